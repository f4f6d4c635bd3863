/** `homing/machines`: the statecharts that Homing runs, and any machine of XState 5 as text for other tools. */
export { acceptingMachine } from './accepting.ts';
export type { AcceptingContext, AcceptingEffect, AcceptingEvent, AcceptingInput } from './accepting.ts';
export { machines } from './catalogue.ts';
export type { CatalogueEntry, MachineName } from './catalogue.ts';
export { diallingMachine } from './dialling.ts';
export type { DiallingContext, DiallingEffect, DiallingEvent, DiallingInput } from './dialling.ts';
export { exportFormats, exportMachine } from './export/machine.ts';
export type { ExportFormat, ExportOptions } from './export/machine.ts';
export { sessionMachine } from './session-life.ts';
export type { SessionEffect, SessionEvent } from './session-life.ts';
export { shardMachine } from './shard-life.ts';
export type { ShardEffect, ShardEvent } from './shard-life.ts';
