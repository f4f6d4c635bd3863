/** OpenTelemetry as a program would have set it up, with the finished spans at hand. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, type ContextManager, ROOT_CONTEXT, SpanKind, context } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** Carries the active context through promises. */
class AsyncContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<Args extends unknown[], Work extends (...args: Args) => ReturnType<Work>>(
    active: Context,
    work: Work,
    self?: ThisParameterType<Work>,
    ...args: Args
  ): ReturnType<Work> {
    return this.#storage.run(active, () => work.apply(self, args));
  }

  bind<T>(_active: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

/** A provider of spans, and those that have ended. */
export class Spans {
  readonly #exporter = new InMemorySpanExporter();
  readonly provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#exporter)] });

  constructor() {
    context.setGlobalContextManager(new AsyncContexts());
  }

  /** The spans of this kind that have ended, oldest first. */
  ended(kind: 'client' | 'server' | 'own'): ReadableSpan[] {
    const number = { client: SpanKind.CLIENT, server: SpanKind.SERVER, own: SpanKind.INTERNAL }[kind];
    return this.#exporter.getFinishedSpans().filter((span) => span.kind === number);
  }

  /** The span of this kind that ended last. */
  last(kind: 'client' | 'server' | 'own'): ReadableSpan {
    const span = this.ended(kind).at(-1);
    if (span === undefined) throw new Error(`expected a ${kind} span to have ended`);
    return span;
  }
}
