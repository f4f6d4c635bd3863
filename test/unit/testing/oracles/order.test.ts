import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

const three = () => Story.opened().sent(1).sent(2).sent(3);

describe('I1, order and once', () => {
  it('is content with a prefix of what was sent, in order', () => {
    expect(three().verdict()).toBe('nothing');
    expect(three().handles(1).handles(2).verdict()).toBe('nothing');
    expect(three().handles(1).handles(4, 2).handles(7, 3).verdict()).toBe('nothing');
  });

  it("sees a message that comes twice, comes late, is left out, is altered, or is nobody's", () => {
    expect(three().handles(1).handles(1).verdict()).toMatch('I1: c0#1 to server: message 1 started again');
    expect(three().handles(1).handles(2, 1).verdict()).toMatch(/^I1: .*expected message n=2/);
    expect(three().handles(2).handles(1).verdict()).toMatch(/^I1: /);
    expect(three().handles(1).handles(2, 3).verdict()).toMatch(/^I1: .*expected message n=2/);
    expect(three().handles(1).handles(2, 77).verdict()).toMatch(/^I1: .*with other content/);
    expect(three().handles(1).handles(2).handles(3).handles(4).verdict()).toMatch(
      "I1: c0#1 to server: expected nothing, got 'note'",
    );
  });

  it('sees a message that begins while an earlier one is handled', () => {
    expect(three().starts(1).starts(2).verdict()).toMatch('I1: c0#1 to server: message 2 started while 1 was running');
  });

  it('lets several handlers have the same message, one after another and once each', () => {
    const second = {
      type: 'started',
      session: 's',
      message: 's/1/1',
      what: 'event',
      name: 'note',
      worker: 9,
      digest: 'content 1',
    } as const;
    const over = { type: 'ended', session: 's', message: 's/1/1', worker: 9, isWell: true } as const;
    expect(three().handles(1).server(second).server(over).handles(2).verdict()).toBe('nothing');
    expect(three().handles(1).server(second).server(over).server(second).verdict()).toMatch(
      'I1: c0#1 to server: message 1 started again',
    );
    expect(three().starts(1).server(second).verdict()).toMatch(
      'a second handler of message 1 began while the first one ran',
    );
  });

  it('passes over what nobody listens to, and what was taken back', () => {
    const deaf = Story.opened().sent(1, 'send', 'other').sent(2);
    expect(deaf.handles(2).verdict()).toBe('nothing');
    expect(three().answered(2, 'never-sent').handles(1).handles(2, 3).verdict()).toBe('nothing');
    expect(three().answered(2, 'never-sent').handles(1).handles(2).verdict()).toMatch(/^I1: /);
  });

  it('lets messages of a group come once to each', () => {
    const group = () => Story.opened().server({ type: 'spread', session: '', name: 'note', digest: 'content 7' });
    expect(group().handles(1, 7).verdict()).toBe('nothing');
    expect(group().handles(1, 7).handles(2, 7).verdict()).toMatch(/^I1: /);
  });

  describe('across a gap', () => {
    const again = { type: 'chose', session: '', choice: 'resend' } as const;
    const without = { type: 'chose', session: '', choice: 'discard' } as const;
    const of2 = { session: 't', epoch: 2, life: 2 };
    /** Message 1 was handled, 2 is unconfirmed, 3 was never written; then a new server came. */
    const lost = () => three().handles(1).server({ type: 'ends' }).gap(1, 1, 0);
    const after = (story: Story) => story.up('t', 2).server({ type: 'begins' }, 2).opens('t', 2, 2);

    it('the new epoch has what the report and its listener said', () => {
      expect(after(lost()).handles(1, 3, of2).verdict()).toBe('nothing');
      expect(after(lost().client(again)).handles(1, 2, of2).handles(2, 3, of2).verdict()).toBe('nothing');
      expect(after(lost().client(without).sent(4)).handles(1, 4, of2).verdict()).toBe('nothing');
      expect(after(lost().client(again).client(without)).handles(1, 2, of2).verdict()).toBe('nothing');
    });

    it('and nothing else', () => {
      expect(after(lost()).handles(1, 2, of2).verdict()).toMatch(/^I1: /);
      expect(after(lost().client(again)).handles(1, 3, of2).verdict()).toMatch(/^I1: /);
      expect(after(lost().client(without)).handles(1, 3, of2).verdict()).toMatch(/^I1: /);
    });

    it('the old epoch has nothing of what was carried', () => {
      const carried = () => three().handles(1).gap(1, 1, 0);
      expect(carried().handles(2).verdict()).toMatch('lives and did not end it');
      const expired = three()
        .handles(1)
        .server({ type: 'closed', session: 's', code: 'expired', unconfirmed: 0, carried: 0 });
      expect(expired.gap(1, 1, 0).handles(2).verdict()).toBe('nothing');
      expect(expired.handles(3).verdict()).toMatch('message 3 started, and it was reported as never sent');
    });
  });
});
