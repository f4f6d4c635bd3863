// The oracles that need no account of messages, or little of it: each with a good story and bad ones.
import { describe, expect, it } from 'vitest';
import { Reach } from '../../../../src/testing/oracles/reach.ts';
import { Judge } from '../../../../src/testing/oracles/judge.ts';
import { Story } from './story.ts';

describe('I4, liveness', () => {
  const healed = (story: Story) => story.client({ type: 'healed', withinMs: 50 });
  const rest = { type: 'rest' } as const;

  it('is content with rest in time, when all is processed and has settled', () => {
    expect(healed(Story.opened().sent(1, 'deliver')).handles(1).answered(1, 'ok').client(rest).verdict()).toBe(
      'nothing',
    );
    expect(Story.opened().sent(1).verdict()).toBe('nothing');
  });

  it('sees rest that comes late or never', () => {
    expect(healed(Story.opened()).wait(60).client(rest).verdict()).toMatch(/^I4: rest came \d+ ms after the 50 ms/);
    expect(healed(Story.opened()).verdict()).toBe('I4: no rest within 50 ms after the last fault');
  });

  it('sees what is left undone at rest', () => {
    expect(healed(Story.opened().sent(1)).client(rest).verdict()).toMatch(
      "I4: at rest n=1 'note' of c0#1 is not processed",
    );
    expect(healed(Story.opened().sent(1, 'deliver').handles(1)).client(rest).verdict()).toMatch(
      "I4: at rest the deliver n=1 'note' of c0#1 has not settled",
    );
  });
});

describe('I5, one owner', () => {
  it('is content with a session that stays where it is', () => {
    expect(Story.opened().sent(1).sent(2).handles(1).handles(2).verdict()).toBe('nothing');
  });

  it('sees a session that runs in two lives', () => {
    const other = { life: 2 };
    const story = Story.opened().sent(1).sent(2).handles(1).server({ type: 'begins' }, 2);
    expect(story.opens('s', 1, 2).verdict()).toMatch('I5: session s runs in server#2, and it belongs to server#1');
    expect(Story.opened().sent(1).handles(1, 1, other).verdict()).toMatch('I5: session s runs in server#2');
  });

  it('sees a handler of a life that is over', () => {
    expect(Story.opened().sent(1).server({ type: 'ends' }).starts(1).verdict()).toMatch('I5: server#1 is over');
  });
});

describe('I6, bounds', () => {
  const counts = (count: number, limit: number) =>
    Story.opened().server({ type: 'counts', counts: [['messages in the outbox', count, limit]] });

  it('is content at a limit', () => expect(counts(10, 10).verdict()).toBe('nothing'));

  it('sees what is above its limit, and what is left at the end', () => {
    expect(counts(11, 10).verdict()).toBe('I6: messages in the outbox: expected at most 10, got 11');
    expect(counts(1, 0).verdict()).toMatch('I6: ');
  });
});

describe('I8, legality', () => {
  it('is content with connections that are lost', () => {
    expect(Story.opened().client({ type: 'down', session: '', code: 'line-lost' }).judged()?.invariant).not.toBe('I8');
    expect(Story.opened().client({ type: 'redials', session: '', code: 'overloaded' }).verdict()).toBe('nothing');
  });

  it.each(['seq-gap', 'bad-checksum'])('sees an end by %s, unless bytes were altered', (code) => {
    const story = Story.opened().server({ type: 'down', session: 's', code });
    expect(story.verdict()).toBe(`I8: a connection ended with ${code}`);
    expect(story.verdict({ allows: (each) => each === code })).toBe('nothing');
  });

  it('sees what nobody caught', () => {
    expect(Story.opened().server({ type: 'uncaught', words: 'Error: lost' }).verdict()).toBe(
      'I8: uncaught: Error: lost',
    );
  });
});

describe('I9, isolation', () => {
  const down = { type: 'down', session: '', code: 'line-lost' } as const;
  const fault = (touches: string | undefined) => Story.opened(false).server({ type: 'fault', kind: 'cut', touches });

  it('is content with faults of those who are touched, and with what users do', () => {
    expect(fault('c0').client(down).verdict()).toBe('nothing');
    expect(fault(undefined).client(down).verdict()).toBe('nothing');
    expect(
      Story.opened(false)
        .client({ ...down, code: 'disconnected' })
        .verdict(),
    ).toBe('nothing');
  });

  it('sees a connection, and a history, that is lost for the fault of another', () => {
    expect(fault('c1').client(down).verdict()).toBe('I9: the connection ended with line-lost, and no fault touched c0');
    expect(fault('c1').server({ type: 'ends' }).gap(0, 0, 0).verdict()).toMatch('I9: history was lost');
  });
});

describe('I11, determinism', () => {
  const story = () => Story.opened().sent(1).handles(1);

  it('gives equal runs equal hashes', () => {
    const judges = [story(), story()].map(({ sights }) => {
      const judge = new Judge();
      for (const sight of sights) judge.take(sight);
      return judge.hash;
    });
    expect(judges[0]).toBe(judges[1]);
    expect(story().verdict({ expected: judges[0] })).toBe('nothing');
    for (const other of [story().sent(2), story().wait(1).up('s', 1), Story.opened().handles(1)])
      expect(other.verdict({ expected: judges[0] })).toMatch(/^I1/);
    expect(story().sent(2).verdict({ expected: judges[0] })).toMatch(/^I11: the same plan gave other sights/);
  });
});

describe('I12, reached', () => {
  it('counts kinds of faults and edges, and tells what never came', () => {
    const reach = new Reach();
    const { sights } = Story.opened(false)
      .server({ type: 'fault', kind: 'cut', touches: 'c0' })
      .client({ type: 'edge', machine: 'dialling', from: 'up', to: 'backoff' })
      .client({ type: 'edge', machine: 'dialling', from: 'up', to: 'backoff' });
    for (const sight of sights) reach.take(sight);
    expect([...reach.faults, ...reach.edges]).toEqual([
      ['cut', 1],
      ['dialling: up -> backoff', 2],
    ]);
    expect(reach.missing(['cut', 'crash'], ['dialling: up -> backoff', 'dialling: up -> idle'])).toEqual([
      'crash',
      'dialling: up -> idle',
    ]);
  });
});
