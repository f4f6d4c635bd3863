/**
 * The counters as Prometheus reads them (text exposition format 0.0.4): a sample for each thread, named by its place. `metrics`
 * is the list of all there are, as `docs/observability.md` has it.
 */
import type { CounterName, FleetShard, VitalName } from './counters.ts';

/** What answers a scrape. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A metric in words. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}

/** How the thread is that holds the inspector. */
export type MainThread = Readonly<Record<VitalName, number>> & { readonly place: string };

type Source = CounterName | VitalName | 'generation';

const counted: readonly (readonly [source: Source, name: string, type: Metric['type'], help: string])[] = [
  ['messagesIn', 'homing_messages_received_total', 'counter', 'Messages received.'],
  ['messagesOut', 'homing_messages_sent_total', 'counter', 'Messages written for the first time.'],
  ['acked', 'homing_messages_acked_total', 'counter', 'Own messages that the other ends have acknowledged.'],
  ['bytesIn', 'homing_received_bytes_total', 'counter', 'Bytes received on connections.'],
  ['bytesOut', 'homing_sent_bytes_total', 'counter', 'Bytes written on connections.'],
  ['cuts', 'homing_cuts_total', 'counter', 'Connections lost that were up.'],
  ['resumes', 'homing_resumes_total', 'counter', 'Connections that took a session up again.'],
  ['failedProofs', 'homing_failed_proofs_total', 'counter', 'Resumes that did not prove knowledge of their session.'],
  ['shed', 'homing_shed_total', 'counter', 'Sessions dropped or refused because there was no room.'],
  ['sessions', 'homing_sessions', 'gauge', 'Sessions, connected or not.'],
  ['connections', 'homing_connections', 'gauge', 'Accepted connections.'],
  ['handshakes', 'homing_handshakes', 'gauge', 'Handshakes under way.'],
  ['relays', 'homing_relays', 'gauge', 'Connections carried over to the shard of their session.'],
  ['graves', 'homing_tombstones', 'gauge', 'Tombstones of ended sessions.'],
  ['heldBytes', 'homing_held_bytes', 'gauge', 'Bytes held for sessions and connections.'],
  ['outboxMessages', 'homing_outbox_messages', 'gauge', 'Messages in outboxes.'],
  ['outboxBytes', 'homing_outbox_bytes', 'gauge', 'Payload bytes in outboxes.'],
  ['generation', 'homing_generation', 'gauge', 'Threads that this place has had, the one that runs included.'],
];

// Of threads alone: clients that share one with others have no pulse of their own.
const taken: readonly (readonly [source: VitalName, name: string, help: string])[] = [
  [
    'loopLagSeconds',
    'homing_loop_lag_seconds',
    'Longest time that the event loop stood still in the last 5 to 10 seconds.',
  ],
  ['heapBytes', 'homing_heap_used_bytes', 'Heap of the thread in use, looked at every 5 seconds.'],
  ['startedSeconds', 'homing_start_time_seconds', 'When the thread began, in seconds since 1970.'],
];

const states: Metric = {
  name: 'homing_connection_states',
  type: 'gauge',
  help: 'Connections in each state of their machine.',
  labels: ['shard', 'machine', 'state'],
};

const entries: Metric = {
  name: 'homing_connection_state_entries_total',
  type: 'counter',
  help: 'How often connections entered each state of their machine.',
  labels: ['shard', 'machine', 'state'],
};

/** Every metric, in the order of the text. */
export const metrics: readonly Metric[] = [
  ...counted.map(([, name, type, help]) => ({ name, type, help, labels: ['shard'] })),
  ...taken.map(([, name, help]) => ({ name, type: 'gauge' as const, help, labels: ['shard'] })),
  states,
  entries,
];

/** All metrics, as text; `main` is the thread that holds the inspector. */
export function metricsText(shards: readonly FleetShard[], main: MainThread): string {
  const threads = [main, ...shards.filter(({ startedSeconds }) => startedSeconds > 0)];
  const samples = new Map<string, string[]>();
  for (const [source, name] of counted)
    samples.set(
      name,
      shards.map((shard) => sample(name, { shard: shard.place }, shard[source])),
    );
  for (const [source, name] of taken)
    samples.set(
      name,
      threads.map((thread) => sample(name, { shard: thread.place }, thread[source])),
    );
  for (const [name, key] of [
    [states.name, 'states'],
    [entries.name, 'entries'],
  ] as const)
    // prettier-ignore
    samples.set(
      name,
      shards.flatMap((shard) => stateSamples(name, shard, shard[key])),
    );
  return metrics.map((metric) => [headOf(metric), ...(samples.get(metric.name) ?? [])].join('\n')).join('\n') + '\n';
}

function stateSamples(name: string, { place }: FleetShard, numbers: FleetShard['states']): string[] {
  return Object.entries(numbers).flatMap(([machine, counts]) =>
    Object.entries(counts).map(([state, count]) => sample(name, { shard: place, machine, state }, count)),
  );
}

function headOf({ name, type, help }: Metric): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}`;
}

function sample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}{${pairs.join(',')}} ${numberText(value)}`;
}

/** A place may be named by whoever joins an inspector. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}
