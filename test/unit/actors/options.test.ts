import { describe, expect, test } from 'vitest';
import { FAILED_PROOFS_PER_SECOND, defaults, drainMsOf, redialOf, settingsOf } from '../../../src/actors/options.ts';
import { ackBounds } from '../../../src/session/acks.ts';
import { FrameType, bodyBytesMax } from '../../../src/wire/frame.ts';
import { thrownBy } from '../../loopback/world.ts';

test('the defaults are those of the design', () => {
  expect(defaults).toEqual({
    heartbeat: { intervalMs: 5_000, timeoutMs: 15_000 },
    handshakeMs: 10_000,
    lingerMs: 120_000,
    backoff: { firstMs: 10, baseMs: 250, maxMs: 20_000, stableMs: 10_000 },
    turnDeadlineMs: 30_000,
    callDeadlineMs: 30_000,
    drainMs: 30_000,
    watchdogMs: 10_000,
    restarts: { max: 5, withinMs: 30_000 },
    limits: {
      messageBytes: 1_048_576,
      outboxMessages: 10_000,
      outboxBytes: 16_777_216,
      mailboxMessages: 1_024,
      mailboxBytes: 1_048_576,
      depth: 32,
      sessions: 100_000,
      connections: 100_000,
      callsInFlight: 1_000,
      functions: 10_000,
      handshakes: 1_000,
      shardBytes: 536_870_912,
    },
  });
  expect(bodyBytesMax(FrameType.HELLO)).toBe(16_384);
  expect(ackBounds).toEqual({ delayMs: 50, messages: 32, bytes: 65_536 });
  expect(FAILED_PROOFS_PER_SECOND).toBe(5);
});

describe('settings', () => {
  test('without options are the defaults', () => {
    const settings = settingsOf({});
    const { heartbeat, handshakeMs, lingerMs, limits } = defaults;
    expect(settings).toMatchObject({ heartbeat, handshakeMs, lingerMs, limits, checksum: undefined });
    expect(settings.session).toMatchObject({ limits, heartbeat, turnDeadlineMs: 30_000 });
    expect(settings.session.wire).toMatchObject({ messageBytes: limits.messageBytes, depth: limits.depth });
    expect(redialOf(undefined)).toEqual(defaults.backoff);
    expect(drainMsOf(undefined)).toBe(30_000);
  });

  test('that are undefined are as if they were not given', () => {
    const none = { heartbeat: undefined, handshakeMs: undefined, lingerMs: undefined, limits: undefined };
    expect(settingsOf(none)).toEqual(settingsOf({}));
  });

  test('a longer interval brings a longer time-out with it; a time-out may be said', () => {
    expect(settingsOf({ heartbeat: { intervalMs: 60_000 } }).heartbeat).toEqual({
      intervalMs: 60_000,
      timeoutMs: 180_000,
    });
    expect(settingsOf({ heartbeat: { intervalMs: 20 } }).heartbeat).toEqual({ intervalMs: 20, timeoutMs: 15_000 });
    expect(settingsOf({ heartbeat: { intervalMs: 0, timeoutMs: 0 } }).heartbeat).toEqual({
      intervalMs: 0,
      timeoutMs: 0,
    });
    expect(settingsOf({ heartbeat: { intervalMs: 4_000_000_000 } }).heartbeat.timeoutMs).toBeLessThanOrEqual(
      4_294_967_295,
    );
  });

  test.each([
    ['handshakeMs', 1, 4_294_967_295],
    ['lingerMs', 0, 4_294_967_295],
  ] as const)('%s is a whole number from %d to %d', (name, min, max) => {
    for (const good of [min, 7, max]) expect(settingsOf({ [name]: good })[name]).toBe(good);
    for (const bad of [min - 1, max + 1, 7.5, Number.NaN, Infinity, '7', null, 7n]) {
      const error = thrownBy(() => settingsOf({ [name]: bad as number }));
      expect(error).toMatchObject({ code: 'BadOption' });
      expect(error.message).toContain(name);
    }
  });

  test.each([
    ['messageBytes', 64, 16_777_216],
    ['outboxMessages', 1, 4_294_967_295],
    ['outboxBytes', 1, 4_294_967_295],
    ['mailboxMessages', 1, 4_294_967_295],
    ['mailboxBytes', 1, 4_294_967_295],
    ['depth', 4, 128],
    ['sessions', 1, 4_294_967_295],
    ['connections', 1, 4_294_967_295],
    ['callsInFlight', 1, 4_294_967_295],
    ['functions', 1, 4_294_967_295],
    ['handshakes', 1, 4_294_967_295],
    ['shardBytes', 1, 4_294_967_295],
  ] as const)('limits.%s is a whole number from %d to %d', (name, min, max) => {
    for (const good of [min, max]) expect(settingsOf({ limits: { [name]: good } }).limits[name]).toBe(good);
    for (const bad of [min - 1, max + 1, min + 0.5, Number.NaN, -1, '7', null]) {
      const error = thrownBy(() => settingsOf({ limits: { [name]: bad as number } }));
      expect(error).toMatchObject({ code: 'BadOption' });
      expect(error.message).toContain(`limits.${name}`);
    }
  });

  test.each(['firstMs', 'baseMs', 'maxMs', 'stableMs'] as const)('backoff.%s is a number of milliseconds', (name) => {
    for (const good of [0, 3, 4_294_967_295]) expect(redialOf({ [name]: good })[name]).toBe(good);
    for (const bad of [-1, Number.NaN, Infinity, '7']) {
      expect(thrownBy(() => redialOf({ [name]: bad as number })).message).toContain(`backoff.${name}`);
    }
  });

  test.each([-1, Number.NaN, Infinity, '5'])('a time to drain is not %j', (drainMs) => {
    expect(thrownBy(() => drainMsOf(drainMs as number))).toMatchObject({ code: 'BadOption' });
  });

  test.each([
    [{ limits: { messagesBytes: 5 } }, 'limits.messagesBytes'],
    [{ limits: { toString: 5 } }, 'limits.toString'],
    [{ limits: 5 }, 'limits'],
    [{ heartbeat: 5 }, 'heartbeat'],
    [{ heartbeat: { intervalMs: 50, timeoutMs: 49 } }, 'heartbeat.timeoutMs'],
    [{ checksum: 'yes' }, 'checksum'],
  ])('%j is refused by name', (options, name) => {
    const error = thrownBy(() => settingsOf(options as object));
    expect(error).toMatchObject({ code: 'BadOption' });
    expect(error.message).toContain(name);
  });
});
