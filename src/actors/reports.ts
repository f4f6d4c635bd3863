/** What is told of a session that ended or lost its history: plain facts, the same for both ends. */
import type { EndCode } from '../errors.ts';
import type { StoreLoss } from './shared-store.ts';

/** What a session that ended, or was refused, left undone: ordered messages only. */
export interface EndReport {
  readonly code: EndCode;
  readonly reason: string;
  readonly unconfirmed: number;
  readonly carried: number;
}

/** What a lost history left undone, and what to do about it; usable while the listener runs. */
export interface LossReport {
  readonly reason: string;
  readonly oldId: string;
  readonly epoch: number;
  readonly unconfirmed: number;
  readonly carried: number;
  /** The shared store as it was; it is empty now. */
  readonly store: StoreLoss;
}

/** What to do with the messages of a lost epoch. */
export interface LossChoice {
  readonly resend: boolean;
  readonly discard: boolean;
}
