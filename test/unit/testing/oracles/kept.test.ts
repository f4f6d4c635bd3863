import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

const one = () => Story.opened().sent(1, 'deliver');

describe('I2, nothing is let go of that was not processed', () => {
  it('is content when answers come after the work, and say how it went', () => {
    expect(one().handles(1).answered(1, 'ok').flushed(1).verdict()).toBe('nothing');
    expect(one().starts(1).ends(1, false).answered(1, 'failed').verdict()).toBe('nothing');
    expect(one().answered(1, 'given-up').handles(1).verdict()).toBe('nothing');
  });

  it('sees a deliver that is answered before the work is done, or otherwise than it went', () => {
    expect(one().answered(1, 'ok').verdict()).toMatch("I2: n=1 'note': said to be processed, and it is sent");
    expect(one().starts(1).answered(1, 'ok').verdict()).toMatch('said to be processed, and it is started');
    expect(one().starts(1).ends(1, false).answered(1, 'ok').verdict()).toMatch('and its handler threw');
    expect(one().handles(1).answered(1, 'failed').verdict()).toMatch('and its handler did not throw');
    expect(one().handles(1).answered(1, 'never-sent').verdict()).toMatch('said to be never sent, and it is ended');
    expect(one().answered(1, 'unknown').verdict()).toMatch('nobody knows what became of it, and no report said so');
  });

  it('sees a flush that is over too early, and not one over what is taken back in that moment', () => {
    expect(one().flushed(1).handles(1).verdict()).toMatch("I2: a flush over 1 messages is over, and n=1 'note' is not");
    expect(one().flushed(1).wait(-1).answered(1, 'never-sent').verdict()).toBe('nothing');
    expect(one().sent(2).handles(1).flushed(1).verdict()).toBe('nothing');
  });

  it('sees what is released while it runs, or before it runs', () => {
    const released = { type: 'released', session: '', seq: 1 } as const;
    expect(one().handles(1).client(released).verdict()).toBe('nothing');
    expect(one().starts(1).client(released).verdict()).toMatch(
      'I2: everything up to 1 is acknowledged, and message 1 runs',
    );
    expect(one().client(released).handles(1).verdict()).toMatch(
      'I2: message 1 started, and everything up to 1 was acknowledged',
    );
  });

  describe('a report', () => {
    const lost = () => Story.opened().sent(1).sent(2).sent(3).handles(1).server({ type: 'ends' });

    it('accounts for every message', () => {
      expect(lost().gap(1, 1, 0).verdict()).toBe('nothing');
      expect(lost().gap(3, 0, 0).verdict()).toBe('nothing');
      expect(lost().gap(0, 2, 0).verdict()).toBe('nothing');
    });

    it('calls nothing confirmed that was not processed, and nothing never sent that has started', () => {
      expect(lost().gap(1, 0, 0).verdict()).toMatch(
        'I2: 3 were accepted, 1 reported unconfirmed and 0 carried: 2 would be confirmed',
      );
      expect(lost().gap(0, 3, 0).verdict()).toMatch('number 1 has started, and it is said to be never sent');
      expect(lost().gap(2, 2, 0).verdict()).toMatch('more than there were');
    });

    it('leaves out those who stand in line, as many as there may be', () => {
      const inLine = () => Story.opened().sent(1).sent(2, 'deliver').handles(1).server({ type: 'ends' });
      expect(inLine().gap(0, 0, 1).verdict()).toBe('nothing');
      expect(inLine().gap(0, 0).verdict()).toBe('nothing');
      expect(inLine().gap(0, 0, 0).verdict()).toMatch(/^I2: /);
    });

    it('of the end accounts for every message as well', () => {
      const closed = (unconfirmed: number) =>
        lost().client({ type: 'closed', session: '', code: 'closed', unconfirmed, carried: 0 });
      expect(closed(2).verdict()).toBe('nothing');
      expect(closed(0).verdict()).toMatch(/^I2: 3 were accepted/);
    });
  });

  it('misses a history that nobody took', () => {
    const story = Story.opened().gap(0, 0, 0);
    expect(story.verdict()).toMatch(
      'I2: history was lost (history-lost), and server#1, which holds the session, lives',
    );
    expect(Story.opened().server({ type: 'ends' }).gap(0, 0, 0).verdict()).toBe('nothing');
  });
});
