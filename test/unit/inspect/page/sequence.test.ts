// What happened as lines between three lanes: who speaks to whom, and what lives meanwhile.
import { describe, expect, it } from 'vitest';
import type { WatchEvent } from '../../../../src/inspect/frames.ts';
import { stepsOf } from '../../../../src/inspect/page/sequence.js';

const step = (
  machine: 'accepting' | 'dialling',
  event: string,
  [from, state]: readonly [string, string],
  data?: object,
): WatchEvent => ({
  type: 'step',
  atMs: 1,
  connection: '0/1',
  machine,
  event,
  from,
  state,
  ...(data === undefined ? {} : { data }),
});
const session = (what: Extract<WatchEvent, { type: 'session' }>['what'], facts: object = {}): WatchEvent => ({
  type: 'session',
  atMs: 1,
  session: 's-1',
  what,
  ...facts,
});
const actor = (state: string, machine: 'accepting' | 'dialling' = 'accepting'): WatchEvent => ({
  type: 'actor',
  atMs: 1,
  connection: '0/2',
  machine,
  state,
  context: {},
});

describe('the sequence of a session', () => {
  it('goes on while its connections come and go', () => {
    const steps = stepsOf([
      actor('up'),
      step('accepting', 'SOCKET_LOST', ['up', 'closed'], { code: 'silent' }),
      { type: 'end', atMs: 1, connection: '0/1', machine: 'accepting', code: 'silent' },
      session('down', { code: 'silent', unconfirmed: 4 }),
      actor('authenticating'),
      step('accepting', 'WELCOMED', ['authenticating', 'up']),
      session('up', { resumed: true, epoch: 2, carried: 4 }),
      session('ends', { code: 'expired' }),
    ]);
    expect(steps.map(({ connection }) => connection)).toEqual(['up', 'none', 'none', 'none', 'open', 'up', 'up', 'up']);
    expect(steps.map((each) => each.session)).toEqual([
      'attached',
      'attached',
      'attached',
      'alive',
      'alive',
      'alive',
      'attached',
      'none',
    ]);
    expect(steps.map(({ text }) => text)).toEqual([
      'up',
      'SOCKET_LOST',
      'connection ends',
      'detached',
      'connects',
      'WELCOMED',
      'resumes',
      'session ends',
    ]);
    expect(steps[1]).toMatchObject({ from: 'client', to: 'connection', tone: 'bad', note: 'silent → closed' });
    expect(steps[3]).toMatchObject({ from: 'connection', to: 'session', tone: 'bad', note: 'silent, 4 unconfirmed' });
    expect(steps[6]).toMatchObject({ from: 'connection', to: 'session', tone: 'good', note: 'epoch 2, 4 carried' });
  });

  it('has the client on the left of what it does and what is done to it', () => {
    const steps = stepsOf([
      actor('authenticating'),
      step('accepting', 'HELLO_REFUSED', ['authenticating', 'closed'], { code: 'unknown-session' }),
      step('dialling', 'CONNECT', ['idle', 'connecting']),
      step('dialling', 'SOCKET_LOST', ['up', 'backoff.waiting'], { code: 'line-lost' }),
      step('dialling', 'after redial', ['backoff.waiting', 'connecting']),
    ]);
    expect(steps.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'client connection',
      'connection client',
      'client connection',
      'connection connection',
      'connection connection',
    ]);
    expect(steps.map(({ tone }) => tone)).toEqual(['plain', 'bad', 'plain', 'bad', 'plain']);
    expect(steps[3]?.note).toBe('line-lost → backoff.waiting');
    expect(steps[4]?.connection).toBe('open');
  });

  it('remarks beginnings and gaps beside the session', () => {
    const steps = stepsOf([session('begins', { epoch: 1 }), session('gap'), session('up', { resumed: false })]);
    expect(steps.map(({ text, session: standing }) => `${text} ${standing}`)).toEqual([
      'session begins alive',
      'gap alive',
      'attaches attached',
    ]);
    expect(stepsOf([])).toEqual([]);
  });
});
