/** The rows of one session between two ends, without shards. */
import { measureRecovery } from './recovery.ts';
import { measureSimulator } from './simulator.ts';
import { type Measured, ofRounds } from './table.ts';

/** A cut and a half-open line, noticed and mended. */
export async function recoveryRow(cuts: number, halfOpens: number): Promise<readonly Measured[]> {
  const recovery = await measureRecovery(cuts, halfOpens);
  return [
    ofRounds(`recovery after ${recovery.cuts} cuts, p50`, [recovery.p50Ms], 'ms', { atMost: 15 }),
    ofRounds('recovery after a cut, p99', [recovery.p99Ms], 'ms', { atMost: 60 }),
    ofRounds('half-open, beyond the heartbeat timeout', [recovery.halfOpenBeyondTimeoutMaxMs], 'ms', {
      atMost: 1_000,
    }),
  ];
}

/** Disconnects on virtual time. */
export async function simulatorRow(milliseconds: number): Promise<readonly Measured[]> {
  const { disconnectsPerSecond, disconnectsPerCpuSecond } = await measureSimulator(milliseconds);
  return [
    ofRounds('simulator, disconnects a second', [disconnectsPerSecond], '/s', { atLeast: 10_000 }),
    ofRounds('simulator, disconnects a processor second', [disconnectsPerCpuSecond], '/s'),
  ];
}
