/** A session that is there to be sent to. */
import { defineBehavior } from 'homing';
import type { FanningOut } from './contracts.ts';

export default defineBehavior<FanningOut>({ module: import.meta.url, start() {} });
