/**
 * Sessions beside a web site: one port, one HTTP server. A request to upgrade becomes a line of a session; POST /cut cuts
 * all lines; anything else shows how far the steps are. Argument: the port (4648).
 */
import { createServer as createWebServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from 'homing';
import type { Steps } from './contract.ts';
import { accepted } from './upgrade.ts';

let sum = 0;
const sessions = createServer<Steps>((session) => {
  session.on('step', () => void session.send('sum', (sum += 1)));
});
sessions.on('up', ({ id }, { resumed }) => console.log(`session ${id} is ${resumed ? 'resumed' : 'new'}`));
sessions.on('down', ({ id }, { code }) => console.log(`session ${id} lost its line (${code})`));

const lines = new Set<Duplex>();
const site = createWebServer((request, response) => {
  if (request.method === 'POST' && request.url === '/cut') for (const line of lines) line.destroy();
  response.end(`${sum} steps, ${sessions.counts.sessions} sessions\n`);
});
site.on('upgrade', (request, stream, first) => {
  const line = accepted(request, stream, first);
  if (line === undefined) return;
  lines.add(line);
  line.on('close', () => lines.delete(line));
  sessions.accept(line);
});
site.listen(Number(process.argv[2] ?? 4648), '127.0.0.1', () => {
  console.log(`a web site at http://127.0.0.1:${(site.address() as AddressInfo).port}`);
});
