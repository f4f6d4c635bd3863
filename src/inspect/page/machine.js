/**
 * Reads a machine's config into what a chart shows: its states, and one edge for each pair of states with all that leads
 * along it. An event that leads from every state to the same one is drawn once, from `ANY`.
 * @import { MachineConfig } from '../frames.ts'
 */

/** Stands for every state of a machine, as the source of an edge. */
export const ANY = '*';

/** So many states must share a transition before it is drawn from `ANY`. */
const SHARED_MIN = 3;

/**
 * @typedef {object} ChartState
 * @property {string} id the words of the state, joined by dots
 * @property {string} name its last word
 * @property {string | undefined} parent
 * @property {boolean} isInitial where its parent begins
 * @property {boolean} isFinal
 * @property {string} description
 * @property {readonly string[]} inner ids of the states inside it
 * @property {readonly string[]} stays what is answered without leaving the state
 */

/**
 * @typedef {object} ChartEdge
 * @property {string} id
 * @property {string} from a state's id, or `ANY`
 * @property {string} to
 * @property {readonly Cause[]} causes
 */

/** @typedef {{ readonly event: string, readonly guard: string | undefined }} Cause */
/** @typedef {{ readonly name: string, readonly states: readonly ChartState[], readonly edges: readonly ChartEdge[] }} Chart */
/** @typedef {{ readonly from: string, readonly to: string | undefined, readonly cause: Cause }} Way */

/**
 * The chart of a machine. What cannot be read of a config is left out.
 * @param {MachineConfig} config
 * @returns {Chart}
 */
export function chartOf(config) {
  const name = typeof config['id'] === 'string' ? config['id'] : 'machine';
  /** @type {Map<string, { config: Record<string, unknown>, parent: string | undefined }>} */
  const found = new Map();
  collect(config, '', found);
  const ids = new Set(found.keys());
  const scope = { name, ids };
  const own = [...found].flatMap(([id, state]) => waysOf(state.config, id, scope));
  const ways = withRoot(waysOf(config, '', scope), { own, tops: topsOf(found) });
  const states = [...found].map(([id, { config: state, parent }]) => ({
    id,
    name: id.slice(id.lastIndexOf('.') + 1),
    parent,
    isInitial:
      (parent === undefined ? config : found.get(parent)?.config)?.['initial'] === id.slice(id.lastIndexOf('.') + 1),
    isFinal: state['type'] === 'final',
    description: typeof state['description'] === 'string' ? state['description'] : '',
    inner: [...found].filter(([, each]) => each.parent === id).map(([word]) => word),
    stays: ways.filter((way) => way.from === id && way.to === undefined).map(({ cause }) => wordsOf(cause)),
  }));
  return { name, states, edges: edgesOf(shared(ways, topsOf(found))) };
}

/**
 * A cause in words, as a label has it.
 * @param {Cause} cause
 */
export function wordsOf({ event, guard }) {
  return guard === undefined ? event : `${event} [${guard}]`;
}

/**
 * The edge that a step took: its event on a way from the state (or one around it, or any) to where it led. The machine may
 * have gone on at once, so that an edge counts whose target is not where the step ended, if there is no better one.
 * @param {Chart} chart
 * @param {{ readonly from: string, readonly event: string, readonly state: string }} step
 * @returns {ChartEdge | undefined}
 */
export function edgeOf(chart, { from, event, state }) {
  const fits = chart.edges.filter((edge) => edge.causes.some((cause) => cause.event === event));
  const leaving = fits.filter((edge) => isWithin(from, edge.from));
  const direct = leaving.find((edge) => edge.from !== ANY && isWithin(state, edge.to));
  return direct ?? fits.find((edge) => edge.from === ANY && isWithin(state, edge.to)) ?? leaving[0];
}

/**
 * Whether a state is the other one or inside it.
 * @param {string} id
 * @param {string} outer
 */
export function isWithin(id, outer) {
  return id === outer || id.startsWith(`${outer}.`);
}

/**
 * How many connections stand in a state: its own count, or those of the states inside it.
 * @param {Readonly<Record<string, number>>} counts
 * @param {string} id
 */
export function countIn(counts, id) {
  const own = counts[id];
  if (own !== undefined) return own;
  let sum = 0;
  for (const [state, count] of Object.entries(counts)) if (state.startsWith(`${id}.`)) sum += count;
  return sum;
}

/**
 * @param {Readonly<Record<string, unknown>>} config
 * @param {string} path
 * @param {Map<string, { config: Record<string, unknown>, parent: string | undefined }>} found
 */
function collect(config, path, found) {
  for (const [word, state] of Object.entries(recordOf(config['states']))) {
    const id = path === '' ? word : `${path}.${word}`;
    found.set(id, { config: recordOf(state), parent: path === '' ? undefined : path });
    collect(recordOf(state), id, found);
  }
}

/**
 * All ways that a state's config names, by events, timers, and at once.
 * @param {Readonly<Record<string, unknown>>} config
 * @param {string} id
 * @param {{ readonly name: string, readonly ids: ReadonlySet<string> }} scope
 * @returns {Way[]}
 */
function waysOf(config, id, scope) {
  const given = [
    ...Object.entries(recordOf(config['on'])),
    ...Object.entries(recordOf(config['after'])).map(([delay, to]) => /** @type {const} */ ([`after ${delay}`, to])),
    ...(config['always'] === undefined ? [] : [/** @type {const} */ (['at once', config['always']])]),
    ...(config['onDone'] === undefined ? [] : [/** @type {const} */ (['done', config['onDone']])]),
  ];
  return given.flatMap(([event, options]) => {
    const list = Array.isArray(options) ? options : [options];
    const isGuarded = list.some((each) => guardOf(each) !== undefined);
    return list.flatMap((each) => {
      const guard = guardOf(each) ?? (isGuarded ? 'else' : undefined);
      const cause = { event, guard };
      return targetsOf(each).map((target) => ({ from: id, to: resolve(target, id, scope), cause }));
    });
  });
}

/** @param {unknown} option */
function guardOf(option) {
  const guard = recordOf(option)['guard'];
  if (typeof guard === 'string') return guard;
  const type = recordOf(guard)['type'];
  return typeof type === 'string' ? type : undefined;
}

/**
 * @param {unknown} option
 * @returns {readonly (string | undefined)[]}
 */
function targetsOf(option) {
  const target = typeof option === 'string' ? option : recordOf(option)['target'];
  const list = Array.isArray(target) ? target : [target];
  return list.map((each) => (typeof each === 'string' ? each : undefined));
}

/**
 * @param {string | undefined} target `up`, `.closed`, `#dialling.closed`, or nothing
 * @param {string} from
 * @param {{ readonly name: string, readonly ids: ReadonlySet<string> }} scope
 */
function resolve(target, from, { name, ids }) {
  if (target === undefined) return undefined;
  const outer = from.includes('.') ? from.slice(0, from.lastIndexOf('.') + 1) : '';
  const path = target.startsWith('#')
    ? target.slice(target.startsWith(`#${name}.`) ? name.length + 2 : 1)
    : target.startsWith('.')
      ? from + (from === '' ? target.slice(1) : target)
      : outer + target;
  return ids.has(path) ? path : undefined;
}

/**
 * The ways of the states with those of the root where a state does not answer itself.
 * @param {readonly Way[]} root
 * @param {{ readonly own: readonly Way[], readonly tops: readonly string[] }} rest
 */
function withRoot(root, { own, tops }) {
  const given = root.flatMap((way) =>
    tops
      .filter((id) => way.to !== id && !own.some(({ from, cause }) => from === id && cause.event === way.cause.event))
      .map((id) => ({ ...way, from: id })),
  );
  return [...own, ...given];
}

/**
 * Outer states that can be left.
 * @param {ReadonlyMap<string, { config: Record<string, unknown>, parent: string | undefined }>} found
 */
function topsOf(found) {
  return [...found]
    .filter(([, { parent, config }]) => parent === undefined && config['type'] !== 'final')
    .map(([id]) => id);
}

/**
 * The ways with those that all states share drawn from `ANY`.
 * @param {readonly Way[]} ways
 * @param {readonly string[]} tops
 * @returns {readonly Way[]}
 */
function shared(ways, tops) {
  const drawn = ways.filter(({ to }) => to !== undefined);
  const events = new Set(drawn.map(({ cause }) => cause.event));
  /** @type {Way[]} */
  const result = [];
  for (const event of events) {
    const mine = drawn.filter(({ cause }) => cause.event === event);
    const to = mine[0]?.to;
    const sources = tops.filter((id) => id !== to);
    const isShared =
      sources.length >= SHARED_MIN &&
      mine.every((way) => way.to === to && way.cause.guard === undefined && tops.includes(way.from)) &&
      sources.every((id) => mine.some((way) => way.from === id));
    if (isShared) result.push({ from: ANY, to, cause: { event, guard: undefined } });
    else result.push(...mine);
  }
  return result;
}

/**
 * @param {readonly Way[]} ways
 * @returns {ChartEdge[]}
 */
function edgesOf(ways) {
  /** @type {Map<string, { from: string, to: string, causes: Cause[] }>} */
  const edges = new Map();
  for (const { from, to, cause } of ways) {
    if (to === undefined) continue;
    const key = `${from}>${to}`;
    const edge = edges.get(key) ?? { from, to, causes: [] };
    edge.causes.push(cause);
    edges.set(key, edge);
  }
  return [...edges].map(([id, edge]) => ({ id, ...edge }));
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function recordOf(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? /** @type {Record<string, unknown>} */ (value)
    : {};
}
