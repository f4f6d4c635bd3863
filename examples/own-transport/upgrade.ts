/** The transport: an HTTP request that becomes a stream of bytes. Both ends of it, for the programs and for the contract. */
import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';

/** The client's end. Whatever is a Duplex of bytes will do; what is rejected is a dial that failed. */
export function upgrade(site: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asking = request(site, { headers: { Connection: 'Upgrade', Upgrade: 'homing' } });
    asking.on('upgrade', (_, line, first) => resolve(begun(line, first)));
    asking.on('response', ({ statusCode }) => reject(new Error(`expected an upgrade, got status ${statusCode ?? 0}`)));
    asking.on('error', reject);
    asking.end();
  });
}

/** The server's end, of what the event `upgrade` brings; undefined for a request that wants something else. */
export function accepted(asked: IncomingMessage, line: Duplex, first: Buffer): Duplex | undefined {
  if (asked.headers.upgrade !== 'homing') {
    line.destroy();
    return undefined;
  }
  line.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: homing\r\n\r\n');
  return begun(line, first);
}

/** What came with the head of the request, or of the answer, is of the stream already. */
function begun(line: Duplex, first: Buffer): Duplex {
  if (first.length > 0) line.unshift(first);
  return line;
}
