/** `homing/otel`: calls as spans of OpenTelemetry. Needs `@opentelemetry/api`, which nothing else of Homing loads. */
export type { CallSpan, Telemetry, TracedCall, TracedSession } from '../actors/telemetry.ts';
export { openTelemetry } from './open-telemetry.ts';
export type { OpenTelemetryOptions } from './open-telemetry.ts';
