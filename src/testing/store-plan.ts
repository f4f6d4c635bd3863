/** A run of the shared store as data: a plan as for any rehearsal, with other acts, and how the server's user behaves. */
import type { Plan } from './plan.ts';
import type { Toward } from './sim-line.ts';

/** Keys that both ends write; the last one is the server's. */
export const storeKeys = ['a', 'b', 'role'] as const;

/** What a user does with the store at its time. */
export type StoreAct = { readonly atMs: number; readonly client: number; readonly by: Toward } & (
  | {
      readonly type: 'write';
      readonly key: number;
      readonly kind: 'number' | 'object' | 'large' | 'deleted';
      readonly count: number;
    }
  /** A message whose handler looks at the store, and then works for some time at the server. */
  | { readonly type: 'ask'; readonly worksMs: number }
  | { readonly type: 'flush' }
);

/** How the server's user judges and answers. */
export interface StoreManners {
  /** How long it thinks about a write; undefined: it has no hook. */
  readonly thinksMs: number | undefined;
  /** It changes the store when it hears of a change of the client, from inside its listener. */
  readonly echoes: boolean;
  /** It changes the store a few promises after it has allowed a write. */
  readonly chases: boolean;
  /** It sets a key in `start`. */
  readonly begins: boolean;
}

/** A plan for the store: that of any rehearsal, but other acts. */
export interface StorePlan extends Omit<Plan, 'acts' | 'closings'> {
  readonly manners: StoreManners;
  readonly acts: readonly StoreAct[];
}
