/**
 * The customers of main.ts, at a shop that lives in two shards: first on virtual time, then with real sockets through a proxy
 * that cuts them, and with real threads that are ended in the middle of everything. Argument: seconds (10).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, onReal } from 'homing/testing';
import branch from './branch.ts';
import { FileLedger } from './file-ledger.ts';
import { customersOf } from './simulation.ts';

const seconds = Number(process.argv[2] ?? 10);
const folder = mkdtempSync(join(tmpdir(), 'homing-books-'));
let bookCount = 0;

const customers = customersOf(
  () => branch,
  () => {
    const file = join(folder, String((bookCount += 1)));
    writeFileSync(file, '');
    process.env['BOOKS'] = file;
    return new FileLedger(file);
  },
);

try {
  const { runs, disconnects } = await check(customers, { runs: 50, saveTo: false });
  console.log(`on virtual time, ${runs} stories with ${disconnects} lost connections: all is well`);
  const real = await check(onReal(customers, { shards: 2, clients: 8, seconds }), { saveTo: false });
  console.log(`on two real threads, ${real.runs} stories with ${real.disconnects} lost connections: all is well`);
  for (const [fault, count] of Object.entries(real.faults)) console.log(`  ${String(count).padStart(4)} × ${fault}`);
} finally {
  rmSync(folder, { recursive: true });
}
