/** The customers of the careless shop, for `npx homing fuzz examples/fuzz/careless.ts`. */
import { careless } from './shop.ts';
import { customersOf } from './simulation.ts';

export const simulation = customersOf(careless);
