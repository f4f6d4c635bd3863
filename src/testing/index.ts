/**
 * `homing/testing`: simulates a real behavior and real clients on virtual time, lets faults befall them, and makes what goes
 * wrong small and repeatable; for real sockets there is a proxy, and for each port an acceptance suite. Needs `fast-check`; no
 * test runner.
 */
export { contracts } from './contracts/index.ts';
export type { ContractCase, Passing } from './contracts/case.ts';
export type { ClockAdapter } from './contracts/clock.ts';
export type { HostAdapter } from './contracts/host.ts';
export type { LineAdapter, LinePair, LineRole } from './contracts/line.ts';
export type { PipeAdapter, PipePair } from './contracts/pipe.ts';
export type { SecretsAdapter } from './contracts/secrets.ts';
export type { TransportAdapter, TransportPair } from './contracts/transport.ts';
export type { FrameName, FrameTrigger } from './frame-follower.ts';
export { check, replay } from './kit/check.ts';
export type { CheckOptions, CheckReport } from './kit/check.ts';
export { SimulationFailed } from './kit/failure.ts';
export { faultPlan, faults } from './kit/faults.ts';
export type { FaultKind, FaultPlanOptions } from './kit/faults.ts';
export type { KitPlan, PlannedStep, SavedPlan } from './kit/plan.ts';
export { onReal } from './kit/real.ts';
export type { RealOptions, RealReport, RealSimulation } from './kit/real.ts';
export { simulate } from './kit/scenario.ts';
export type {
  Around,
  DrivenSimulation,
  Scenario,
  SimulatedClientOptions,
  SimulatedServer,
  SimulatedServerOptions,
  Simulation,
  Step,
  StepContext,
  View,
} from './kit/scenario.ts';
export type { Sim, StartOptions, Who } from './kit/sim.ts';
export { torture } from './kit/torture.ts';
export type { FixedStep, TortureOptions } from './kit/torture.ts';
export type { FaultChoice, FaultVerbs, LinkVerbs } from './kit/verbs.ts';
export type { Oracle, Place, Verdict } from './kit/verdict.ts';
export type { Fault, FaultAction, When } from './plan.ts';
export { WireLinter } from './linter.ts';
export type { LineLinter } from './linter.ts';
export type { PlanTrigger } from './triggers.ts';
export { chaosProxy } from './proxy/chaos-proxy.ts';
export type { ChaosProxy, ChaosProxyOptions, ProxyCounts, ProxyEvent, ProxyLane } from './proxy/chaos-proxy.ts';
export type { ConnectionFault } from './proxy/connection.ts';
export type { CutHow, Direction, LineFault, LinePlan, Pace, PlacedFault, TurnAwayHow, Where } from './proxy/plan.ts';
export { storm } from './proxy/storm.ts';
export type { StormOptions } from './proxy/storm.ts';
