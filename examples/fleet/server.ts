/**
 * Headquarters, a process of its own. It asks every agent at an interval (argument, in ms) and checks that every report comes
 * once and in order. Told 'cut' it cuts all lines, told 'finish' it drains; it always answers with what it has.
 */
import { type AddressInfo, type Socket, createServer as createListener } from 'node:net';
import { createServer } from 'homing';
import type { Fleet, News } from './contract.ts';

const intervalMs = Number(process.argv[2]);
const lines = new Set<Socket>();
const timers = new Set<NodeJS.Timeout>();
const count = { asked: 0, reports: 0, faults: 0 };

const server = createServer<Fleet>({
  authenticate: ({ name }) => ({ id: name }),
  start(session) {
    let asked = 0;
    let reported = 0;
    const ask = (): void => {
      count.asked += 1;
      session.send('ask', (asked += 1));
    };
    const timer = setInterval(ask, intervalMs);
    timers.add(timer);
    session.connection.on('closed', () => clearInterval(timer));
    session.on('report', (round) => {
      count.reports += 1;
      if (round !== (reported += 1)) count.faults += 1;
    });
  },
});
const listener = createListener((line) => {
  lines.add(line.on('close', () => lines.delete(line)));
  server.accept(line);
});
let port = 0;
const tell = (): void => void process.send?.({ port, lines: lines.size, ...count } satisfies News);
process.on('message', (order) => {
  if (order !== 'finish') tell();
  if (order === 'cut') for (const line of lines) line.destroy();
  if (order === 'finish') finish();
});
function finish(): void {
  listener.close();
  for (const timer of timers) clearInterval(timer);
  void server.close().then(tell);
}
process.once('disconnect', () => process.exit());
listener.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  ({ port } = listener.address() as AddressInfo);
  tell();
});
