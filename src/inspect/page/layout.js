/**
 * From a chart to places on a plane and back: what ELK is asked, with the sizes of all words measured before, and what its
 * answer says. All coordinates are relative to the whole drawing.
 * @import { Chart, ChartEdge, ChartState } from './machine.js'
 */
import { ANY } from './machine.js';

/**
 * @typedef {object} Measure widths in pixels, as the page will draw the words
 * @property {(text: string) => number} name
 * @property {(text: string) => number} label
 */

/** @typedef {{ readonly x: number, readonly y: number, readonly width: number, readonly height: number }} Box */
/** @typedef {{ readonly text: string, readonly isGuard: boolean }} Line */
/** @typedef {Box & { readonly id: string }} PlacedState */
/** @typedef {{ readonly id: string, readonly points: readonly Point[], readonly label: Box | undefined, readonly lines: readonly Line[] }} PlacedEdge */
/** @typedef {{ readonly x: number, readonly y: number }} Point */
/** @typedef {{ readonly width: number, readonly height: number, readonly states: readonly PlacedState[], readonly edges: readonly PlacedEdge[] }} Placed */

/**
 * @typedef {object} ElkNode
 * @property {string} id
 * @property {number} [x]
 * @property {number} [y]
 * @property {number} [width]
 * @property {number} [height]
 * @property {Record<string, string>} [layoutOptions]
 * @property {ElkNode[]} [children]
 * @property {ElkEdge[]} [edges]
 */

/**
 * @typedef {object} ElkEdge
 * @property {string} id
 * @property {string[]} sources
 * @property {string[]} targets
 * @property {{ text: string, x?: number, y?: number, width: number, height: number, layoutOptions?: Record<string, string> }[]} [labels]
 * @property {{ startPoint: Point, endPoint: Point, bendPoints?: Point[] }[]} [sections]
 */

/** Where a chart, or a state with states inside, begins. */
export const DOT = '•';

export const stateHeight = 38;
/** Room beside a state's name for a count of six digits. */
export const badgeWidth = 58;
export const lineHeight = 13;
const headHeight = 40;
/** Labels lie on their lines. */
const inline = { 'elk.edgeLabels.inline': 'true' };
/** Begins the id of an edge that is laid out and not drawn. */
const ANCHOR = 'anchor ';
const dotSize = 9;
const padding = 14;
const pillPadding = 7;

/**
 * What ELK lays out.
 * @param {Chart} chart
 * @param {Measure} measure
 * @returns {ElkNode}
 */
export function elkGraphOf(chart, measure) {
  const tops = chart.states.filter(({ parent }) => parent === undefined);
  const drawn = chart.edges.filter(({ from }) => from !== ANY);
  return {
    id: 'root',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'DOWN',
      'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
      'elk.json.shapeCoords': 'ROOT',
      'elk.json.edgeCoords': 'ROOT',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.padding': '[top=6,left=6,bottom=6,right=6]',
      'elk.spacing.nodeNode': '14',
      'elk.spacing.edgeNode': '10',
      'elk.spacing.edgeEdge': '8',
      'elk.spacing.edgeLabel': '4',
      'elk.spacing.labelLabel': '6',
      'elk.layered.spacing.nodeNodeBetweenLayers': '12',
      'elk.layered.spacing.edgeNodeBetweenLayers': '8',
      'elk.layered.spacing.edgeEdgeBetweenLayers': '7',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
      'elk.layered.nodePlacement.strategy': 'LINEAR_SEGMENTS',
    },
    children: [...beginning(undefined, tops), ...tops.map((state) => nodeOf(state, { chart, measure }))],
    edges: [...beginnings(chart), ...drawn.map((edge) => edgeFor(edge, measure)), ...anchorsOf(chart)],
  };
}

/**
 * ELK's answer as what is drawn.
 * @param {Chart} chart
 * @param {ElkNode} answer
 * @returns {Placed}
 */
export function placedOf(chart, answer) {
  /** @type {PlacedState[]} */
  const states = [];
  /** @param {ElkNode} node */
  const visit = (node) => {
    for (const child of node.children ?? []) {
      states.push({ id: child.id, ...boxOf(child) });
      visit(child);
    }
  };
  visit(answer);
  const drawn = (answer.edges ?? []).filter(({ id }) => !id.startsWith(ANCHOR));
  const edges = drawn.map((edge) => {
    const [label] = edge.labels ?? [];
    const lines = linesOf(chart.edges.find(({ id }) => id === edge.id));
    return { id: edge.id, points: pointsOf(edge), label: label === undefined ? undefined : boxOf(label), lines };
  });
  return { width: answer.width ?? 0, height: answer.height ?? 0, states, edges };
}

/**
 * The lines of an edge's label: events, and below those of one guard the guard.
 * @param {Pick<ChartEdge, 'causes'> | undefined} edge
 * @returns {readonly Line[]}
 */
export function linesOf(edge) {
  const byGuard = Map.groupBy(edge?.causes ?? [], ({ guard }) => guard);
  return [...byGuard].flatMap(([guard, causes]) => [
    { text: causes.length > 1 ? `${causes[0]?.event} +${causes.length - 1}` : `${causes[0]?.event}`, isGuard: false },
    ...(guard === undefined ? [] : [{ text: guard === 'else' ? 'otherwise' : `if ${guard}`, isGuard: true }]),
  ]);
}

/**
 * What leads into a state from any other, as a line inside its box.
 * @param {Chart} chart
 * @param {string} id
 */
export function fromAnyOf(chart, id) {
  const edge = chart.edges.find(({ from, to }) => from === ANY && to === id);
  return edge === undefined ? undefined : `from any: ${edge.causes.map(({ event }) => event).join(', ')}`;
}

/**
 * A line through points with its corners rounded, as the `d` of a path.
 * @param {readonly Point[]} points
 * @param {number} radius
 */
export function pathOf(points, radius = 6) {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let path = `M${first.x} ${first.y}`;
  for (const [at, corner] of rest.entries()) {
    const before = points[at] ?? first;
    const after = rest[at + 1];
    if (after === undefined) path += `L${corner.x} ${corner.y}`;
    else {
      const into = towards(corner, before, radius);
      const out = towards(corner, after, radius);
      path += `L${into.x} ${into.y}Q${corner.x} ${corner.y} ${out.x} ${out.y}`;
    }
  }
  return path;
}

/**
 * The state that lies next in a direction, of those given; undefined where there is none.
 * @param {readonly PlacedState[]} states
 * @param {string} from
 * @param {'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'} key
 */
export function neighborOf(states, from, key) {
  const here = states.find(({ id }) => id === from);
  if (here === undefined) return states[0]?.id;
  const isAcross = key === 'ArrowLeft' || key === 'ArrowRight';
  const sign = key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 1;
  const ranked = states
    .filter(({ id }) => id !== from)
    .map((state) => {
      const x = state.x + state.width / 2 - here.x - here.width / 2;
      const y = state.y + state.height / 2 - here.y - here.height / 2;
      const ahead = sign * (isAcross ? x : y);
      return { id: state.id, ahead, cost: ahead + 2 * Math.abs(isAcross ? y : x) };
    })
    .filter(({ ahead }) => ahead > 4)
    .toSorted((one, other) => one.cost - other.cost);
  return ranked[0]?.id;
}

/**
 * @param {ChartState} state
 * @param {{ readonly chart: Chart, readonly measure: Measure }} scope
 * @returns {ElkNode}
 */
function nodeOf(state, { chart, measure }) {
  const fromAny = fromAnyOf(chart, state.id);
  const nameWidth = Math.ceil(measure.name(state.name)) + 2 * padding + badgeWidth;
  const width = Math.max(nameWidth, fromAny === undefined ? 0 : Math.ceil(measure.label(fromAny)) + 2 * padding);
  if (state.inner.length === 0)
    return { id: state.id, width, height: stateHeight + (fromAny === undefined ? 0 : lineHeight + 2) };
  const inner = chart.states.filter(({ parent }) => parent === state.id);
  return {
    id: state.id,
    layoutOptions: {
      'elk.padding': `[top=${headHeight + 6},left=${padding},bottom=${padding},right=${padding}]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${headHeight})`,
    },
    children: [...beginning(state.id, inner), ...inner.map((each) => nodeOf(each, { chart, measure }))],
  };
}

/**
 * @param {string | undefined} parent
 * @param {readonly ChartState[]} states
 * @returns {ElkNode[]}
 */
function beginning(parent, states) {
  if (!states.some(({ isInitial }) => isInitial)) return [];
  return [{ id: dotOf(parent), width: dotSize, height: dotSize }];
}

/**
 * @param {Chart} chart
 * @returns {ElkEdge[]}
 */
function beginnings(chart) {
  const first = chart.states.filter(({ isInitial }) => isInitial);
  return first.map(({ id, parent }) => ({ id: `${dotOf(parent)}>${id}`, sources: [dotOf(parent)], targets: [id] }));
}

/**
 * Holds a state that is entered from any other alone, and would lie loose, behind the last one before it.
 * @param {Chart} chart
 * @returns {ElkEdge[]}
 */
function anchorsOf(chart) {
  const tops = chart.states.filter(({ parent }) => parent === undefined);
  return tops.flatMap(({ id, isInitial }, at) => {
    const isLoose = !chart.edges.some(({ from, to }) => from !== ANY && (from === id || to === id));
    const before = tops[at - 1];
    if (!isLoose || isInitial || before === undefined) return [];
    return [{ id: `${ANCHOR}${id}`, sources: [before.id], targets: [id] }];
  });
}

/** @param {string | undefined} parent */
const dotOf = (parent) => (parent === undefined ? DOT : `${parent}.${DOT}`);

/**
 * @param {ChartEdge} edge
 * @param {Measure} measure
 * @returns {ElkEdge}
 */
function edgeFor(edge, measure) {
  const lines = linesOf(edge);
  const width = Math.max(...lines.map(({ text }) => measure.label(text)));
  const height = lines.length * lineHeight + 6;
  return {
    id: edge.id,
    sources: [edge.from],
    targets: [edge.to],
    labels: [{ text: edge.id, width: Math.ceil(width) + 2 * pillPadding, height, layoutOptions: inline }],
  };
}

/**
 * @param {Partial<Box>} shape
 * @returns {Box}
 */
function boxOf({ x = 0, y = 0, width = 0, height = 0 }) {
  return { x, y, width, height };
}

/** @param {ElkEdge} edge */
function pointsOf({ sections = [] }) {
  return sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);
}

/**
 * @param {Point} from
 * @param {Point} to
 * @param {number} distance
 */
function towards(from, to, distance) {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(distance, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}
