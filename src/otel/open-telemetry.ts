/**
 * Each call is a client span at the end that makes it and a server span at the end that runs it, children of what was active
 * and of each other. A session lives too long to be a span that lasts as long: it is a short one of its own, to which the spans of its calls
 * link, and all of them carry its id.
 */
import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  context,
  trace as traces,
} from '@opentelemetry/api';
import type { CallSpan, Telemetry, Trace, TracedCall, TracedSession } from '../actors/telemetry.ts';
import { remoteSpanOf, traceOf } from './trace-context.ts';

/** How calls are traced. */
export interface OpenTelemetryOptions {
  /** Where spans go; the provider that the program has registered, if none is given. */
  readonly tracerProvider?: TracerProvider | undefined;
}

/** The name and version under which spans are made. */
const SCOPE = 'homing';

/**
 * Follows calls with OpenTelemetry: the option `telemetry` of a client and of a behavior. Without a provider it costs little and
 * does nothing. A thread has an OpenTelemetry of its own: the module of the behavior sets it up there.
 */
export function openTelemetry({ tracerProvider }: OpenTelemetryOptions = {}): Telemetry {
  const provider = tracerProvider ?? traces.getTracerProvider();
  return new CallTracing(provider.getTracer(SCOPE));
}

class CallTracing implements Telemetry {
  readonly #tracer: Tracer;
  readonly #sessions = new WeakMap<TracedSession, { readonly id: string; readonly span: SpanContext }>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  calls({ method, session }: TracedCall): CallSpan {
    return this.#open(SpanKind.CLIENT, method, session, context.active());
  }

  runs({ method, session }: TracedCall, trace: Trace | undefined): CallSpan {
    // What happens to be active here belongs to whoever sent the bytes that were read last, or to nobody.
    const parent = trace === undefined ? undefined : remoteSpanOf(trace);
    const active = traces.deleteSpan(context.active());
    const around = parent === undefined ? active : traces.setSpanContext(active, parent);
    return this.#open(SpanKind.SERVER, method, session, around);
  }

  #open(kind: SpanKind, method: string, session: TracedSession, around: Context): CallSpan {
    const link = this.#linkOf(session);
    const attributes: Attributes = { 'rpc.system': 'homing', 'rpc.method': method, ...attributesOf(session) };
    const span = this.#tracer.startSpan(method, { kind, attributes, links: link === undefined ? [] : [link] }, around);
    return new OpenSpan(span, traces.setSpan(around, span), () => {
      if (link !== undefined || !span.isRecording()) return;
      // It began before the client had ever been up.
      span.setAttributes(attributesOf(session));
      const late = this.#linkOf(session);
      if (late !== undefined) span.addLink(late);
    });
  }

  /** The span that stands for a session; another epoch of a client is another session. */
  #linkOf(session: TracedSession): Link | undefined {
    const { id } = session;
    if (id === undefined) return undefined;
    const known = this.#sessions.get(session);
    if (known?.id === id) return { context: known.span };
    const span = this.#tracer.startSpan('homing session', { root: true, attributes: attributesOf(session) });
    span.end();
    this.#sessions.set(session, { id, span: span.spanContext() });
    return { context: span.spanContext() };
  }
}

class OpenSpan implements CallSpan {
  readonly trace: Trace | undefined;
  readonly #span: Span;
  readonly #inside: Context;
  readonly #complete: () => void;

  constructor(span: Span, inside: Context, complete: () => void) {
    this.#span = span;
    this.#inside = inside;
    this.#complete = complete;
    this.trace = traceOf(span.spanContext());
  }

  run<Result>(work: () => Result): Result {
    return context.with(this.#inside, work);
  }

  settled(error: unknown): void {
    this.#complete();
    if (error !== undefined) this.#fail(error);
    this.#span.end();
  }

  #fail(error: unknown): void {
    const isError = error instanceof Error;
    const message = isError ? error.message : String(error);
    const code = isError && 'code' in error ? String(error.code) : 'Error';
    this.#span.setAttribute('error.type', code);
    this.#span.recordException(isError ? error : message);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
}

function attributesOf({ id, epoch }: TracedSession): Attributes {
  return id === undefined ? {} : { 'homing.session.id': id, 'homing.session.epoch': epoch };
}
