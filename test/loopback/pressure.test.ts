// A shard near its bound of bytes, with real clients over loopback: what is shed, what is refused, and what goes on.
import { describe, expect, it } from 'vitest';
import { Peer } from './peer.ts';
import { type LooseSession, diaryOf, loopback, namesOf, nextInfo, thrownBy, until } from './world.ts';

const KIB = 'x'.repeat(1_024);

/** A server whose sessions can be told to send so many messages of a KiB, and whose handlers of `hold` never end. */
async function pool(shardBytes: number) {
  const sessions: LooseSession[] = [];
  const world = await loopback({ start: (session) => void sessions.push(session) }, { limits: { shardBytes } });
  return { world, sessions };
}

function fill(session: LooseSession | undefined, count: number): void {
  for (let i = 0; i < count; i++) session?.send('water', KIB);
}

describe('a shard whose bytes are pressed', () => {
  it('takes no new session, while those that are there go on, and takes one again when it is eased', async () => {
    const { world, sessions } = await pool(16_384);
    await using _ = world;
    const live = world.client();
    await live.up();
    live.disconnect();
    await until(() => world.server.counts.connections === 0, 'a session that waits');
    fill(sessions[0], 13);
    const told = diaryOf(live.connection);
    const late = world.client({ autoConnect: false });
    late.connect();
    expect(await nextInfo(late.connection, 'refused')).toMatchObject({ code: 'overloaded' });
    expect(world.server.counts).toMatchObject({ sessions: 1, shed: 1 });
    live.connect();
    await until(() => world.server.counts.bytes === 0, 'a shard that is eased');
    await late.up();
    expect(world.server.counts.sessions).toBe(2);
    expect(namesOf(told)).not.toContain('gap');
  });

  it('drops sessions that nobody has seen before it refuses a new one', async () => {
    const { world, sessions } = await pool(16_384);
    await using _ = world;
    const peer = await Peer.dial(world.port);
    peer.hello();
    await peer.answer();
    peer.close('line-lost');
    await until(() => world.server.counts.connections === 0 && world.server.counts.sessions === 1, 'an unseen session');
    const live = world.client();
    await live.up();
    live.disconnect();
    await until(() => world.server.counts.connections === 0, 'a session that waits');
    fill(sessions[0], 13);
    const late = world.client({ autoConnect: false });
    late.connect();
    await nextInfo(late.connection, 'refused');
    expect(world.server.counts).toMatchObject({ sessions: 1, shed: 2 });
  });

  it('accepts no message at the bound, says so, and calls back when there is room', async () => {
    const { world, sessions } = await pool(16_384);
    await using _ = world;
    const live = world.client();
    await live.up();
    live.disconnect();
    await until(() => world.server.counts.connections === 0, 'a session that waits');
    fill(sessions[0], 16);
    expect(thrownBy(() => fill(sessions[0], 1))).toMatchObject({ code: 'OutboxFull', retry: true });
    let isWritable = false;
    const writable = sessions[0]?.writable().then(() => (isWritable = true));
    await expect(sessions[0]?.deliver('water', KIB)).rejects.toMatchObject({ code: 'OutboxFull' });
    expect(isWritable).toBe(false);
    live.connect();
    await writable;
    expect(() => fill(sessions[0], 1)).not.toThrow();
  });

  it('counts what connections and sessions hold, and nothing once they are gone', async () => {
    const { world, sessions } = await pool(1_000_000);
    await using _ = world;
    const live = world.client();
    live.on('water', () => new Promise(() => {}));
    await live.up();
    await until(() => sessions.length === 1, 'a session');
    fill(sessions[0], 40);
    await until(() => world.server.counts.bytes > 40_000, 'messages that are held');
    void sessions[0]?.close();
    await until(() => world.server.counts.bytes === 0, 'nothing held');
    expect(world.server.counts.sessions).toBe(0);
  });
});
