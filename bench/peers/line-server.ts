/**
 * The server behind a line: takes a stream, pours one, says what came. Arguments: the name of a contestant, its options as
 * JSON. Says its address, then answers one order after another.
 */
import type { Address, Served, ServeOptions } from './contestant.ts';
import { type Entries, Ledger } from './ledger.ts';
import { contestantOf } from './registry.ts';
import { Spout } from './spout.ts';

/** What a server behind a line is told. */
export type LineServerOrder =
  /** Answers with `Entries`. */
  | { readonly type: 'look' }
  /** Pours to the client that connected last. */
  | { readonly type: 'pour' }
  /** Stops pouring; answers with the number of messages sent. */
  | { readonly type: 'stop' };

/** Options of a contestant's server, and whether the ledger notes times. */
export interface LineServerOptions extends ServeOptions {
  readonly hasClock?: boolean;
}

const [name = '', text = '{}'] = process.argv.slice(2);
const { hasClock = false, ...options } = JSON.parse(text) as LineServerOptions;
const ledger = new Ledger(hasClock);
const spout = new Spout();
const contestant = await contestantOf(name);
const served: Served = await contestant.serve((link) => {
  link.onMessage((message) => ledger.take(message.id));
  link.onUp(() => spout.stir());
  spout.use(link);
}, options);

process.on('message', (order: LineServerOrder) => process.send?.(obey(order)));
process.on('disconnect', () => void served.close().finally(() => process.exit()));
process.send?.(served.address satisfies Address);

function obey(order: LineServerOrder): Entries | number | 'pouring' {
  switch (order.type) {
    case 'look':
      return ledger.look();
    case 'pour':
      void spout.pour();
      return 'pouring';
    case 'stop':
      spout.stop();
      return spout.sent;
  }
}
