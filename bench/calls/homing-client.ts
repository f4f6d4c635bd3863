/** Calls over Homing, with default options. Argument: the port. */
import { createClient } from 'homing';
import { obey } from './caller.ts';
import type { Adding } from './contract.ts';

const client = createClient<Adding>(Number(process.argv[2]));
process.on('disconnect', () => process.exit());
await client.up();
obey((left, right) => client.call('add', left, right));
