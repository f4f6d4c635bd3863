// What the layout engine is asked, and how its answer becomes lines and boxes.
import { describe, expect, it } from 'vitest';
import { elkGraphOf, fromAnyOf, linesOf, neighborOf, pathOf, placedOf } from '../../../../src/inspect/page/layout.js';
import { chartOf } from '../../../../src/inspect/page/machine.js';
import { diallingMachine } from '../../../../src/machines/dialling.ts';

const chart = chartOf(JSON.parse(JSON.stringify(diallingMachine.config)) as Record<string, unknown>);
const measure = { name: (text: string): number => text.length * 8, label: (text: string): number => text.length * 6 };
const graph = elkGraphOf(chart, measure);

describe('what the engine is asked', () => {
  it('is one layout over all levels with coordinates of the whole drawing', () => {
    expect(graph.layoutOptions).toMatchObject({
      'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
      'elk.json.shapeCoords': 'ROOT',
      'elk.json.edgeCoords': 'ROOT',
    });
  });

  it('has room for the name of a state and a count of six digits beside it', () => {
    const up = graph.children?.find(({ id }) => id === 'up');
    expect(up?.width).toBeGreaterThanOrEqual(measure.name('up') + 6 * 8);
    const closed = graph.children?.find(({ id }) => id === 'closed');
    expect(closed?.width).toBeGreaterThanOrEqual(measure.label('from any: TERMINATED, CLOSE'));
    expect(closed?.height).toBeGreaterThan(up?.height ?? 0);
  });

  it('nests states and gives each level a beginning', () => {
    const backoff = graph.children?.find(({ id }) => id === 'backoff');
    expect(backoff?.children?.map(({ id }) => id)).toEqual(['backoff.•', 'backoff.planning', 'backoff.waiting']);
    expect(graph.edges?.map(({ id }) => id)).toEqual(expect.arrayContaining(['•>idle', 'backoff.•>backoff.planning']));
  });

  it('has every label as wide and high as its lines', () => {
    const label = graph.edges?.find(({ id }) => id === 'up>backoff')?.labels?.[0];
    expect(label?.width).toBeGreaterThanOrEqual(measure.label('if autoReconnects'));
    const short = graph.edges?.find(({ id }) => id === 'idle>connecting')?.labels?.[0];
    expect(label?.height).toBeGreaterThan(short?.height ?? 0);
  });

  it('holds a state that only any other leads to, with an edge that is not drawn', () => {
    const [anchor] = graph.edges?.filter(({ targets }) => targets[0] === 'closed') ?? [];
    expect(anchor?.sources).toEqual(['backoff']);
    const placed = placedOf(chart, {
      id: 'root',
      edges: [{ ...(anchor ?? { id: '', sources: [], targets: [] }), sections: [] }],
    });
    expect(placed.edges).toEqual([]);
  });
});

describe('labels', () => {
  it('name the first event, how many more there are, and the guard', () => {
    const edge = chart.edges.find(({ id }) => id === 'connecting>backoff');
    expect(linesOf(edge)).toEqual([
      { text: 'SOCKET_LOST +2', isGuard: false },
      { text: 'if autoReconnects', isGuard: true },
    ]);
    expect(linesOf(chart.edges.find(({ id }) => id === 'up>idle')).at(-1)?.text).toBe('otherwise');
    expect(linesOf(undefined)).toEqual([]);
  });

  it('tell inside a state what leads there from any other', () => {
    expect(fromAnyOf(chart, 'idle')).toBe('from any: DISCONNECT');
    expect(fromAnyOf(chart, 'up')).toBeUndefined();
  });
});

describe('the answer', () => {
  it('becomes boxes of all levels and lines with their bends', () => {
    const placed = placedOf(chart, {
      id: 'root',
      width: 300,
      height: 200,
      children: [
        {
          id: 'backoff',
          x: 10,
          y: 20,
          width: 100,
          height: 80,
          children: [{ id: 'backoff.waiting', x: 15, y: 30, width: 40, height: 20 }],
        },
      ],
      edges: [
        {
          id: 'up>backoff',
          sources: ['up'],
          targets: ['backoff'],
          labels: [{ text: '', x: 1, y: 2, width: 3, height: 4 }],
          sections: [{ startPoint: { x: 0, y: 0 }, bendPoints: [{ x: 0, y: 50 }], endPoint: { x: 60, y: 50 } }],
        },
      ],
    });
    expect(placed.states).toEqual([
      { id: 'backoff', x: 10, y: 20, width: 100, height: 80 },
      { id: 'backoff.waiting', x: 15, y: 30, width: 40, height: 20 },
    ]);
    const [edge] = placed.edges;
    expect(edge?.label).toEqual({ x: 1, y: 2, width: 3, height: 4 });
    expect(pathOf(edge?.points ?? [], 6)).toBe('M0 0L0 44Q0 50 6 50L60 50');
  });

  it('rounds a corner by no more than half of its shorter side', () => {
    expect(
      pathOf(
        [
          { x: 0, y: 0 },
          { x: 0, y: 4 },
          { x: 40, y: 4 },
        ],
        6,
      ),
    ).toBe('M0 0L0 2Q0 4 6 4L40 4');
    expect(pathOf([])).toBe('');
  });
});

describe('arrow keys', () => {
  const at = (id: string, x: number, y: number) => ({ id, x, y, width: 20, height: 10 });
  const states = [at('top', 50, 0), at('left', 0, 40), at('right', 100, 42), at('bottom', 52, 90)];

  it('go to the state that lies next in their direction', () => {
    expect(neighborOf(states, 'top', 'ArrowDown')).toBe('bottom');
    expect(neighborOf(states, 'left', 'ArrowRight')).toBe('right');
    expect(neighborOf(states, 'bottom', 'ArrowLeft')).toBe('left');
    expect(neighborOf(states, 'bottom', 'ArrowUp')).toBe('top');
  });

  it('stay where nothing lies, and begin at the first state', () => {
    expect(neighborOf(states, 'top', 'ArrowUp')).toBeUndefined();
    expect(neighborOf(states, 'unknown', 'ArrowUp')).toBe('top');
  });
});
