/** Homing: sessions that find their way home. Everything a program needs; the rest of the tree is behind it. */
export { createClient } from './client/client.ts';
export type { Client, ClientOptions, ClientWhere } from './client/client.ts';
export type {
  Connection,
  End,
  GapReport,
  Group,
  GroupOptions,
  Limited,
  Presence,
  ReconnectInfo,
  Sent,
  SharedStore,
} from './client/surface.ts';
export type { ConnectionState } from './actors/dialler.ts';
export type { EndReport } from './actors/reports.ts';
export type { SessionInfo } from './actors/hosted-session.ts';
export type { Logger, LogLine } from './actors/log.ts';
export type { EndOptions, Limits, RedialOptions } from './actors/options.ts';
export type { Turn } from './actors/session-actor.ts';
export type { CallSpan, Telemetry, Trace, TracedCall, TracedSession } from './actors/telemetry.ts';
export type { ShardCounts } from './actors/tally.ts';
export type { Schema, SchemaIssue, SchemaResult, Validate } from './actors/validation.ts';
export type { Wait } from './actors/waits.ts';
export type { Arrived, Contract, Credentials, Flip, HandlerArgs, Identity, Selector, Store } from './contract.ts';
export { HomingError } from './errors.ts';
export type { EndCode, ErrorCode, Outcome } from './errors.ts';
export { defineBehavior } from './server/behavior.ts';
export type { Action, Behavior, Certificate, Peer } from './server/behavior.ts';
export { createServer } from './server/server.ts';
export type {
  DialOptions,
  Direct,
  ListenWhere,
  Listening,
  Server,
  ServerEvents,
  ServerOptions,
  TlsOptions,
  Where,
} from './server/server.ts';
export type { Session } from './server/session.ts';
