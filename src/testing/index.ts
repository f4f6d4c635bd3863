/**
 * `homing/testing`: simulates a real behavior and real clients on virtual time, lets faults befall them, and makes what goes
 * wrong small and repeatable. Needs `fast-check`; no test runner.
 */
export { check, replay } from './kit/check.ts';
export type { CheckOptions, CheckReport } from './kit/check.ts';
export { SimulationFailed } from './kit/failure.ts';
export { faultPlan, faults } from './kit/faults.ts';
export type { FaultKind, FaultPlanOptions } from './kit/faults.ts';
export type { KitPlan, PlannedStep } from './kit/plan.ts';
export { simulate } from './kit/scenario.ts';
export type {
  Around,
  Scenario,
  SimulatedClientOptions,
  SimulatedServer,
  SimulatedServerOptions,
  Simulation,
  Step,
  StepContext,
  View,
} from './kit/scenario.ts';
export { torture } from './kit/torture.ts';
export type { FixedStep, TortureOptions } from './kit/torture.ts';
export type { Oracle, Place, Verdict } from './kit/verdict.ts';
export type { Fault, FaultAction } from './plan.ts';
