import { describe, expect, it } from 'vitest';
import { type Heartbeat, Liveness } from '../../../src/session/liveness.ts';

const heartbeat: Heartbeat = { intervalMs: 5_000, timeoutMs: 15_000 };

function started(options: Heartbeat = heartbeat): Liveness {
  const liveness = new Liveness(options);
  liveness.start(0);
  return liveness;
}

/** Looks at each deadline, `lateMs` too late, and tells what it found and when. */
function watch(liveness: Liveness, lateMs: number, untilMs = 200_000): string[] {
  const seen: string[] = [];
  for (let nowMs = 0; nowMs <= untilMs;) {
    nowMs = liveness.deadlineMs + lateMs;
    const pulse = liveness.look(nowMs);
    seen.push(`${pulse} ${nowMs}`);
    if (pulse === 'silent') break;
  }
  return seen;
}

describe('liveness', () => {
  it('pings after an interval of silence, asks once more at the timeout, and then finds the peer silent', () => {
    expect(watch(started(), 0)).toEqual(['ping 5000', 'ping 15000', 'silent 15250']);
  });

  it('takes any byte for life', () => {
    const liveness = started();
    expect(liveness.look(5_000)).toBe('ping');
    liveness.heard(5_010);
    expect(liveness.deadlineMs).toBe(10_010);
    expect(liveness.look(10_009)).toBe('nothing');
    expect(liveness.look(10_010)).toBe('ping');
    liveness.heard(24_000);
    expect(liveness.look(25_009)).toBe('nothing');
  });

  it('asks once more at each timeout, also when the peer has answered an earlier last ask', () => {
    const liveness = started();
    expect(liveness.look(15_000)).toBe('ping');
    liveness.heard(15_100);
    expect(liveness.look(30_100)).toBe('ping');
    expect(liveness.look(30_350)).toBe('silent');
  });

  it('asks once more when this end itself stood still, before it blames the peer', () => {
    const liveness = started();
    expect(liveness.look(60_000)).toBe('ping');
    liveness.heard(60_001);
    expect(liveness.look(60_002)).toBe('nothing');
    const stood = started();
    expect(stood.look(60_000)).toBe('ping');
    expect(stood.look(64_999)).toBe('nothing');
    expect(stood.look(65_000)).toBe('silent');
  });

  it('believes the silence at last, also when it stands still again and again', () => {
    const seen = watch(started(), 400);
    expect(seen.at(-1)).toMatch(/^silent/);
    expect(seen.length).toBeLessThanOrEqual(5);
  });

  it('switches pings and verdict off with an interval of 0', () => {
    const liveness = started({ intervalMs: 0, timeoutMs: 15_000 });
    liveness.expecting(true, false, 0);
    expect(liveness.deadlineMs).toBe(Infinity);
    expect(liveness.look(1e9)).toBe('nothing');
  });

  it('probes what stays unacknowledged for a second, once, until there is progress', () => {
    const liveness = started();
    liveness.expecting(true, false, 100);
    liveness.expecting(true, false, 900);
    expect(liveness.deadlineMs).toBe(1_100);
    expect(liveness.look(1_100)).toBe('ping');
    expect(liveness.look(1_200)).toBe('nothing');
    liveness.expecting(true, true, 1_300);
    expect(liveness.look(2_299)).toBe('nothing');
    expect(liveness.look(2_300)).toBe('ping');
    liveness.expecting(false, true, 2_400);
    expect(liveness.look(4_000)).toBe('nothing');
  });

  it('gives a slow line four round trips before it probes', () => {
    const liveness = started();
    expect(liveness.look(5_000)).toBe('ping');
    liveness.heard(6_000);
    liveness.answered(liveness.nonce, 6_000);
    expect(liveness.rttMs).toBe(1_000);
    liveness.expecting(true, false, 6_000);
    expect(liveness.look(9_999)).toBe('nothing');
    expect(liveness.look(10_000)).toBe('ping');
  });

  it('measures no round trip with an answer to an older ping, or one that was answered', () => {
    const liveness = started();
    liveness.look(5_000);
    liveness.answered(liveness.nonce + 1, 5_010);
    expect(liveness.rttMs).toBeUndefined();
    liveness.answered(liveness.nonce, 5_020);
    liveness.answered(liveness.nonce, 9_000);
    expect(liveness.rttMs).toBe(20);
  });

  it('begins anew with each connection, and remembers the round trip', () => {
    const liveness = started();
    liveness.look(5_000);
    liveness.answered(liveness.nonce, 5_020);
    liveness.expecting(true, false, 5_020);
    liveness.start(60_000);
    expect([liveness.deadlineMs, liveness.rttMs]).toEqual([65_000, 20]);
    expect(liveness.look(60_500)).toBe('nothing');
    expect(liveness.look(75_000)).toBe('ping');
    liveness.start(90_000);
    expect(liveness.look(105_000)).toBe('ping');
  });
});
