/** The conformance suite: every case, and how to run them. */
import { calls } from './cases/calls.ts';
import { credit } from './cases/credit.ts';
import { deadlines } from './cases/deadlines.ts';
import { endings } from './cases/endings.ts';
import { functions } from './cases/functions.ts';
import { framing } from './cases/framing.ts';
import { handshake } from './cases/handshake.ts';
import { limits } from './cases/limits.ts';
import { order } from './cases/order.ts';
import { resume } from './cases/resume.ts';
import { services } from './cases/services.ts';
import { store } from './cases/store.ts';
import { payloads } from './cases/values.ts';
import type { Group } from './steps.ts';

export { junitOf } from './junit.ts';
export { lineOf, pageOf, reportOf, tableOf } from './report.ts';
export { chosen, runCases } from './suite.ts';
export type { Outcome, Result } from './suite.ts';

/** All cases, in groups. */
export const groups: readonly Group[] = [
  framing,
  handshake,
  resume,
  order,
  credit,
  calls,
  functions,
  store,
  services,
  limits,
  payloads,
  endings,
  deadlines,
];
