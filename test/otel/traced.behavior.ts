/** A behavior whose thread has an OpenTelemetry of its own, and shows the spans that have ended there. */
import { context, trace } from '@opentelemetry/api';
import { defineBehavior } from 'homing';
import { openTelemetry } from 'homing/otel';
import { Spans } from './spans.ts';

/** A span in plain facts. */
export interface PlainSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly linkCount: number;
}

export type Traced = {
  server: { methods: { work(): Promise<string>; spans(): PlainSpan[] } };
  client: {};
};

const spans = new Spans();
const { provider } = spans;

export default defineBehavior<Traced>({
  module: import.meta.url,
  telemetry: openTelemetry({ tracerProvider: provider }),
  start: (session) =>
    session.expose({
      work: async () => {
        await Promise.resolve();
        return trace.getSpan(context.active())?.spanContext().spanId ?? 'none';
      },
      spans: () =>
        spans.ended('server').map((span) => {
          const { traceId, spanId } = span.spanContext();
          const { name, links, parentSpanContext } = span;
          return { name, traceId, spanId, parentId: parentSpanContext?.spanId, linkCount: links.length };
        }),
    }),
});
