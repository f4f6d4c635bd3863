import { describe, expect, it } from 'vitest';
import { Line } from '../../../src/session/line.ts';
import { Kind } from '../../../src/wire/frame.ts';

function lineOf(count: number): Line {
  const line = new Line();
  for (let token = 1; token <= count; token += 1) line.push(Kind.DELIVER, new Uint8Array(1), token, token * 10);
  return line;
}

describe('the line before a full outbox', () => {
  it('is served in order', () => {
    const line = lineOf(3);
    expect(line.first?.token).toBe(1);
    expect([line.shift()?.token, line.shift()?.token, line.shift()?.token, line.shift()]).toEqual([1, 2, 3, undefined]);
  });

  it('knows the bytes of those who stand in it', () => {
    const line = lineOf(4);
    line.shift();
    line.leave(3);
    expect(line.bytes).toBe(2);
    line.shift();
    line.shift();
    expect(line.bytes).toBe(0);
  });

  it('is left from anywhere, once', () => {
    const line = lineOf(4);
    expect([line.leave(3), line.leave(1), line.leave(3), line.leave(9)]).toEqual([30, 10, 0, 0]);
    expect(line.length).toBe(2);
    expect([line.first?.token, line.shift()?.token, line.shift()?.token, line.first]).toEqual([2, 2, 4, undefined]);
  });

  it('keeps no place of thousands who have left behind one who stays', () => {
    const line = lineOf(1);
    for (let token = 2; token <= 5_000; token += 1) {
      line.push(Kind.DELIVER, new Uint8Array(100), token, token * 10);
      line.leave(token);
    }
    expect(line.length).toBe(1);
    expect(line.places).toBeLessThan(50);
    line.push(Kind.DELIVER, new Uint8Array(1), 6_000, 60_000);
    expect([line.shift()?.token, line.shift()?.token]).toEqual([1, 6_000]);
  });
});
