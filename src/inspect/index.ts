/** `homing/inspect`: see every connection of a process as a statechart. */
export type { InspectHub, InspectSource } from '../actors/events.ts';
export type { Inspector, InspectorOptions } from './inspector.ts';
export { openInspector } from './open.ts';
