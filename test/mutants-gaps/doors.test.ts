// What bugs of one line at the doors of a server with shards could still change without any other test noticing.
import { createServer } from 'homing';
import { expect, it } from 'vitest';
import { Peer } from '../loopback/peer.ts';

it('a WELCOME names the port of the shard to those only who see the server under its own address', async () => {
  const behavior = new URL('../threads/modules/groups.behavior.ts', import.meta.url);
  await using server = createServer(behavior, { shards: 2 });
  const { port } = await server.listen(0);
  const named = async (seenAddress: string, seenPort: number): Promise<number> => {
    const peer = await Peer.dial(port);
    peer.hello({ seenAddress, seenPort });
    const answer = await peer.answer();
    peer.socket.destroy();
    if (answer?.type !== 'welcome') throw new Error('expected a WELCOME');
    return answer.welcome.directPort;
  };
  expect(await named('127.0.0.1', port)).toBeGreaterThan(0);
  expect(await named('::ffff:127.0.0.1', port)).toBeGreaterThan(0);
  expect(await named('10.0.0.1', port)).toBe(0);
  expect(await named('127.0.0.1', port + 1)).toBe(0);
  expect(await named('', 0)).toBe(0);
});
