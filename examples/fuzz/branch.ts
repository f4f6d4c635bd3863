/** The careful shop as a module: each shard loads it, and finds the books in the file that BOOKS names. */
import { defineBehavior } from 'homing';
import type { Shop } from './contract.ts';
import { FileLedger } from './file-ledger.ts';
import { careful } from './shop.ts';

export default defineBehavior<Shop>({
  module: import.meta.url,
  start: (session) => careful(new FileLedger(process.env['BOOKS'] ?? 'books')).start(session),
});
