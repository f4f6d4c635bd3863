import { describe, expect, it } from 'vitest';
import { Reach } from '../../../../src/testing/oracles/reach.ts';
import { Story } from './story.ts';

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
