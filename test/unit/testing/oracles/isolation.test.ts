import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

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
