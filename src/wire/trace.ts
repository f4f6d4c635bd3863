/**
 * The body of a TRACE: the trace context of the call that follows it, as W3C Trace Context writes it. It rides beside the
 * call and never in it, so that an end which knows nothing of traces skips it and takes the call all the same.
 */
import { BodyReader, BodyWriter } from './body.ts';

/** Where a call stands in a trace: the two headers of W3C Trace Context. */
export interface Trace {
  /** `traceparent`: 1 to 255 characters of visible ASCII. */
  readonly parent: string;
  /** `tracestate`, or an empty text; at most 512 bytes of UTF-8. */
  readonly state: string;
}

const PARENT_BYTES_MAX = 255;
const STATE_BYTES_MAX = 512;

/** The body of a TRACE; undefined for what cannot travel. A `tracestate` that is too long stays behind, the rest goes. */
export function encodeTrace({ parent, state }: Trace): Uint8Array | undefined {
  if (!/^[!-~]{1,255}$/u.test(parent)) return undefined;
  const body = new BodyWriter();
  body.shortText(parent, PARENT_BYTES_MAX);
  // Cut in the middle it would mean something else.
  body.text(/^[\t -~]{0,512}$/u.test(state) ? state : '', STATE_BYTES_MAX);
  return body.finish();
}

/** Reads the body of a TRACE; undefined for anything malformed, which has no effect. */
export function decodeTrace(bytes: Uint8Array, start: number, end: number): Trace | undefined {
  const body = new BodyReader(bytes, start, end);
  const trace = { parent: body.shortText(PARENT_BYTES_MAX), state: body.text(STATE_BYTES_MAX) };
  return body.isComplete() && trace.parent !== '' ? trace : undefined;
}
