/** The counters as Prometheus reads them (text exposition format 0.0.4): a sample for each thread, with its place. */
import { type CounterName, type FleetShard, gauges, totals } from './counters.ts';

/** What each number is, in the words of a `HELP` line. */
const meanings: Readonly<Record<CounterName, string>> = {
  messagesIn: 'Messages received.',
  messagesOut: 'Messages written for the first time.',
  acked: 'Own messages that the other ends have acknowledged.',
  bytesIn: 'Bytes received on connections.',
  bytesOut: 'Bytes written on connections.',
  cuts: 'Connections lost that were up.',
  resumes: 'Connections that took a session up again.',
  failedProofs: 'Resumes that did not prove knowledge of their session.',
  shed: 'Sessions dropped or refused because there was no room.',
  sessions: 'Sessions, connected or not.',
  connections: 'Accepted connections.',
  handshakes: 'Handshakes under way.',
  relays: 'Connections carried over to the shard of their session.',
  graves: 'Tombstones of ended sessions.',
  heldBytes: 'Bytes held for sessions and connections.',
  outboxMessages: 'Messages in outboxes.',
  outboxBytes: 'Payload bytes in outboxes.',
};

/** The name that a number has in metrics: `homing_messages_in_total`. */
export function metricName(name: CounterName): string {
  const words = name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
  return `homing_${words}${name in totals ? '_total' : ''}`;
}

/** All metrics, as text. */
export function metricsText(shards: readonly FleetShard[]): string {
  const lines: string[] = [];
  for (const name of Object.keys({ ...totals, ...gauges }) as CounterName[]) {
    const metric = metricName(name);
    lines.push(`# HELP ${metric} ${meanings[name]}`, `# TYPE ${metric} ${name in totals ? 'counter' : 'gauge'}`);
    for (const shard of shards) lines.push(`${metric}{${labelsOf(shard)}} ${shard[name]}`);
  }
  lines.push('# HELP homing_connection_states Connections in each state of their machine.');
  lines.push('# TYPE homing_connection_states gauge');
  for (const shard of shards) {
    for (const [machine, states] of Object.entries(shard.states)) {
      for (const [state, count] of Object.entries(states))
        lines.push(`homing_connection_states{${labelsOf(shard)},machine="${machine}",state="${state}"} ${count}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A place is a number or a short name that we made: nothing in it needs to be escaped. */
function labelsOf({ place }: FleetShard): string {
  return `shard="${place}"`;
}
