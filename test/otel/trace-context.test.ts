// The texts of W3C Trace Context, as they are written and as any peer may have written them.
import { createTraceState } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { remoteSpanOf, traceOf } from '../../src/otel/trace-context.ts';

const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const parent = `00-${ids.traceId}-${ids.spanId}-01`;

describe('the trace of a span', () => {
  it('is what W3C Trace Context writes', () => {
    expect(traceOf({ ...ids, traceFlags: 1 })).toEqual({ parent, state: '' });
    expect(traceOf({ ...ids, traceFlags: 0, traceState: createTraceState('a=1,b=2') })).toEqual({
      parent: `00-${ids.traceId}-${ids.spanId}-00`,
      state: 'a=1,b=2',
    });
  });

  it('is none for a span that nobody records', () => {
    expect(traceOf({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })).toBeUndefined();
  });
});

describe('the span of a trace', () => {
  it('is remote and has the ids, the flag and the state', () => {
    const span = remoteSpanOf({ parent, state: 'a=1' });
    expect(span).toMatchObject({ ...ids, traceFlags: 1, isRemote: true });
    expect(span?.traceState?.get('a')).toBe('1');
  });

  it('is read as far as it is known in a later version', () => {
    const later = `cc-${ids.traceId}-${ids.spanId}-03-more`;
    expect(remoteSpanOf({ parent: later, state: '' })).toMatchObject({ ...ids, traceFlags: 1 });
  });

  it.each([
    '',
    'hello',
    `ff-${ids.traceId}-${ids.spanId}-01`,
    `00-${ids.traceId}-${ids.spanId}-01-more`,
    `00-${'0'.repeat(32)}-${ids.spanId}-01`,
    `00-${ids.traceId}-${'0'.repeat(16)}-01`,
    `00-${ids.traceId.toUpperCase()}-${ids.spanId}-01`,
    `00-${ids.traceId.slice(1)}-${ids.spanId}-01`,
  ])('is none for %j', (text) => {
    expect(remoteSpanOf({ parent: text, state: '' })).toBeUndefined();
  });
});
