import { describe, expect, it } from 'vitest';
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
