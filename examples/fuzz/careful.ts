/** The customers of the careful shop, for `npx homing fuzz examples/fuzz/careful.ts`. */
import { careful } from './shop.ts';
import { customersOf } from './simulation.ts';

export const simulation = customersOf(careful);
