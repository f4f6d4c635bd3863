/** A behavior without tasks. */
import { defineBehavior } from 'homing';

export default defineBehavior({ module: import.meta.url, start() {} });
