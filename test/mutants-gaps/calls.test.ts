// What bugs of one line in calls could still change without any other test noticing.
import { createClient } from 'homing';
import { describe, expect, it } from 'vitest';
import { Outlet } from '../../src/session/outlet.ts';
import { FrameType, Kind, readU64, writeU64 } from '../../src/wire/frame.ts';
import { Gather } from '../../src/wire/gather.ts';
import { type Frame, PeerServer } from '../loopback/peer.ts';
import { Gate, type Loose, until } from '../loopback/world.ts';

describe('a call of a passed function that is given up', () => {
  it('is stopped, and no call of a method with its number is cancelled', () => {
    const outlet = new Outlet({ outboxMessages: 10, outboxBytes: 1_000 });
    const nothing = { orderedReceived: 0, cursor: 0, directReceived: 0 };
    outlet.attach({
      ...nothing,
      windowMessages: 10,
      windowBytes: 1_000,
      messageBytes: 1_000,
      checksum: undefined,
    });
    outlet.acceptDirect(Kind.APPLY, new Uint8Array(9), 0, 9, 7);
    outlet.write(new Gather(), 1_000);
    expect(outlet.giveUp(7)).toBe('unknown');
    expect(outlet.direct.waiting.at(0)?.kind).toBe(Kind.STOP);
  });
});

describe('a cancel', () => {
  it('keeps no call of an older epoch from starting that has the same number', async () => {
    const known = { id: 's-1', secret: new Uint8Array(32).fill(7), epoch: 1 };
    const later = { id: 's-2', secret: new Uint8Array(32).fill(8), epoch: 2 };
    await using server = await PeerServer.open();
    const client = createClient<Loose>(server.port, { backoff: { firstMs: 1 } });
    const gate = new Gate();
    const begun: unknown[] = [];
    client.on('block', () => gate.passed);
    client.expose({ work: (which) => void begun.push(which) });
    const peer = await server.next();
    await peer.greeting();
    peer.welcomeNew(known);
    await client.up();
    peer.event(1, ['block']);
    peer.event(2, ['work', 'old'], Kind.CALL);
    await peer.nextOf(FrameType.ACK);
    peer.socket.destroy();
    const second = await server.next();
    const { hello } = await second.greeting();
    expect(hello.claim).toMatchObject({ orderedReceived: 2, cursor: 0 });
    second.welcomeNew(later, { loss: 'history-lost' });
    const cancel = new Uint8Array(8);
    writeU64(cancel, 0, 2);
    second.payload(FrameType.DIRECT, Kind.CANCEL, 1, cancel);
    second.event(1, ['work', 'new 1'], Kind.CALL);
    second.event(2, ['work', 'new 2'], Kind.CALL);
    second.event(3, ['work', 'new 3'], Kind.CALL);
    // All of it waits behind the handler of the old epoch before that ends.
    const isAllTaken = (ack: Frame): boolean => readU64(ack.body, 0) === 3;
    await until(() => second.frames.some((each) => each.type === FrameType.ACK && isAllTaken(each)), 'an ack');
    gate.open();
    await until(() => begun.at(-1) === 'new 3', 'the last call to start');
    expect(begun).toEqual(['old', 'new 1', 'new 3']);
    await client.close({ drainMs: 0 });
  });
});
