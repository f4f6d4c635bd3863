/** The same shop without the bug. */
import { sell, shopOf } from '../shop.ts';

export const simulation = shopOf(sell);
