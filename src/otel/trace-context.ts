/** Where a span stands in its trace, to and from the texts of W3C Trace Context, whatever propagator a program has set. */
import { type SpanContext, createTraceState, isSpanContextValid } from '@opentelemetry/api';
import type { Trace } from '../actors/telemetry.ts';

/** The texts for a span; undefined for one that is of no trace. */
export function traceOf(span: SpanContext): Trace | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const flags = span.traceFlags.toString(16).padStart(2, '0').slice(-2);
  return { parent: `00-${span.traceId}-${span.spanId}-${flags}`, state: span.traceState?.serialize() ?? '' };
}

/** The span that the texts of a peer stand for; undefined for what is none. Later versions are read as far as this one goes. */
export function remoteSpanOf({ parent, state }: Trace): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/u.exec(parent) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  if (!isSpanContextValid(span)) return undefined;
  return state === '' ? span : { ...span, traceState: createTraceState(state) };
}
