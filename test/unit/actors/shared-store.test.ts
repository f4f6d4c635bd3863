// One end's shared store, with the other end played by hand: values, listeners, refusals, bounds, and what a gap takes.
import { describe, expect, it } from 'vitest';
import { SharedStore } from '../../../src/actors/shared-store.ts';
import type { StoreListener } from '../../../src/actors/store-listeners.ts';
import { HomingError } from '../../../src/errors.ts';
import { STORE_BYTES_MAX, STORE_KEYS_MAX } from '../../../src/session/store.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { Kind } from '../../../src/wire/frame.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';
import { scan } from '../../../src/wire/scan.ts';

const codec = new Codec(defaultWireLimits);

function decoded(payload: Uint8Array): unknown[] {
  const verdict = scan(payload, 0, payload.length, defaultWireLimits);
  expect(verdict).toBeGreaterThanOrEqual(0);
  return codec.decode(payload, 0, payload.length, verdict) as unknown[];
}

/** A store, what it sent, and what its owner was told. */
function end(decides: boolean, limits = { outboxMessages: 10_000, outboxBytes: 16_777_216 }) {
  const sent: { readonly kind: number; readonly key: string; readonly payload: Uint8Array }[] = [];
  const told: string[] = [];
  const shown: unknown[][] = [];
  const state: { refuses: HomingError | undefined; isSpent: boolean } = { refuses: undefined, isSpent: false };
  const owner = {
    sendStored(kind: number, key: string, payload: Uint8Array): number {
      if (state.refuses !== undefined) throw state.refuses;
      sent.push({ kind, key, payload });
      return sent.length;
    },
    tell: (error: HomingError) => void told.push(error.code),
    isSpent: () => state.isSpent,
    shown: (...change: unknown[]) => void shown.push(change),
  };
  const store = new SharedStore(owner, new Codec(defaultWireLimits), decides, limits);
  const heard: unknown[][] = [];
  store.on('change', (...change) => void heard.push(change));
  const all = (): unknown => [...store.entries()];
  return { store, sent, told, shown, heard, state, all };
}

/** The peer's bytes for a write or a change. */
function payloadOf(...values: unknown[]): Uint8Array {
  codec.encode(values);
  return codec.scratch.slice(codec.start, codec.end);
}

interface Judged {
  readonly refusal: HomingError | undefined;
  /** Changes that had been made when the verdict was told. */
  readonly changes: number;
  readonly cause?: unknown;
}

/** Asks for a write and gives what the peer and the actor are told, at once or later. */
function judge(store: SharedStore, ...values: unknown[]): Judged | Promise<Judged> {
  const payload = payloadOf(...values);
  return judgeAs(store, decoded(payload), payload);
}

function judgeAs(store: SharedStore, values: unknown[], payload: Uint8Array): Judged | Promise<Judged> {
  const verdicts: Judged[] = [];
  const done = store.judge(values, payload, (refusal) => verdicts.push({ refusal, changes: store.changeCount }));
  const judged = (fault: { readonly cause: unknown } | undefined): Judged => {
    const [verdict] = verdicts;
    if (verdict === undefined || verdicts.length > 1) throw new Error(`expected one verdict, got ${verdicts.length}`);
    return fault === undefined ? verdict : { ...verdict, cause: fault.cause };
  };
  return done instanceof Promise ? done.then(judged) : judged(done);
}

function change(store: SharedStore, ...values: unknown[]): void {
  const payload = payloadOf(...values);
  store.change(decoded(payload), payload);
}

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return (error as HomingError).code;
  }
};

describe.each([
  ['that decides', true],
  ['that follows', false],
])('an end %s', (_name, decides) => {
  const values: Record<string, unknown> = {
    'a text': 'text',
    'an empty text': '',
    zero: 0,
    'minus zero': -0,
    'no number': NaN,
    infinity: -Infinity,
    false: false,
    null: null,
    'a bigint': 2n ** 70n,
    'a date': new Date(86_400_000),
    'a Map': new Map<unknown, unknown>([
      ['k', [1]],
      [2, new Set([3])],
    ]),
    bytes: Uint8Array.of(1, 2, 3),
    'an object with undefined in it': { a: undefined, b: [undefined] },
    'names from prototypes': { toString: 1, hasOwnProperty: 2 },
  };
  it.each(Object.entries(values))('gives back %s as it was set, and sends it so', (_title, value) => {
    const { store, sent, heard, shown } = end(decides);
    store.set('key', value);
    expect([store.get('key'), [...store.entries()]]).toEqual([value, [['key', value]]]);
    expect(Object.is(store.get('key'), value)).toBe(typeof value !== 'object' || value === null);
    expect([sent[0]?.kind, decoded(sent[0]?.payload ?? new Uint8Array())]).toEqual([
      decides ? Kind.CHANGE : Kind.WRITE,
      ['key', value],
    ]);
    expect(heard).toEqual([['key', value, 'here']]);
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    expect([store.plainOf('key'), shown]).toEqual(isPlain ? [value, [['key', value, undefined]]] : [undefined, []]);
  });

  it('keeps no object of its user, and gives none of its own', () => {
    const { store, heard } = end(decides);
    const list = [1, { deep: true }];
    store.set('list', list);
    list.push(2);
    (list[1] as { deep: boolean }).deep = false;
    const got = store.get('list') as unknown[];
    got.length = 0;
    const [, value] = [...store.entries()][0] ?? [];
    (value as unknown[]).length = 0;
    const [[, told] = []] = heard;
    (told as unknown[]).length = 0;
    expect(store.get('list')).toEqual([1, { deep: true }]);
  });

  it('deletes with delete and with undefined, and what is not there too', () => {
    const { store, sent, heard, all } = end(decides);
    store.set('a', 1);
    store.set('a', undefined);
    store.set('b', { two: 2 });
    store.delete('b');
    store.delete('never there');
    expect([all(), store.get('a'), store.bytes > 0]).toEqual([[], undefined, !decides]);
    expect(sent.map(({ payload }) => decoded(payload))).toEqual([
      ['a', 1],
      ['a'],
      ['b', { two: 2 }],
      ['b'],
      ['never there'],
    ]);
    expect(heard).toEqual([
      ['a', 1, 'here'],
      ['a', undefined, 'here'],
      ['b', { two: 2 }, 'here'],
      ['b', undefined, 'here'],
    ]);
  });

  it('takes any text of 1 to 256 characters as a key, also names that mean something elsewhere', () => {
    const { store, all } = end(decides);
    const names = ['__proto__', 'constructor', 'toString', 'k'.repeat(256), '\u{1F600}'];
    for (const name of names) expect(store.get(name)).toBeUndefined();
    for (const [index, name] of names.entries()) store.set(name, index);
    expect(all()).toEqual(names.map((name, index) => [name, index]));
    for (const key of ['', 'k'.repeat(257), 5, undefined, null, {}, Symbol.iterator] as unknown as string[]) {
      expect([codeOf(() => store.set(key, 1)), codeOf(() => store.delete(key)), store.get(key)]).toEqual([
        'BadOption',
        'BadOption',
        undefined,
      ]);
    }
    expect({}).not.toHaveProperty('0');
  });

  it('stays as it was when a value cannot cross, is too large, or finds no room', () => {
    const { store, sent, heard, state, all } = end(decides);
    store.set('a', 1);
    expect(codeOf(() => store.set('a', () => {}))).toBe('NotEncodable');
    expect(codeOf(() => store.set('a', (async function* () {})()))).toBe('NotEncodable');
    expect(codeOf(() => store.set('a', Symbol('s')))).toBe('NotEncodable');
    expect(codeOf(() => store.set('a', 'x'.repeat(STORE_BYTES_MAX)))).toBe('StoreFull');
    state.refuses = new HomingError('OutboxFull', 'no room');
    expect(codeOf(() => store.set('a', 2))).toBe('OutboxFull');
    expect(codeOf(() => store.delete('a'))).toBe('OutboxFull');
    expect([all(), store.bytes, store.changeCount, heard.length, sent.length]).toEqual([
      [['a', 1]],
      4,
      decides ? 1 : 0,
      1,
      1,
    ]);
    state.refuses = undefined;
    store.set('a', 2);
    expect(all()).toEqual([['a', 2]]);
  });

  it('has no other event, and lets go of a listener', () => {
    const { store, heard } = end(decides);
    expect(codeOf(() => store.on('changes' as 'change', () => {}))).toBe('BadOption');
    expect(codeOf(() => store.on('change', 5 as unknown as StoreListener))).toBe('BadOption');
    const other: unknown[] = [];
    const remove = store.on('change', (key) => void other.push(key));
    store.set('a', 1);
    remove();
    store.set('b', 1);
    expect([heard.length, other]).toEqual([2, ['a']]);
  });

  it('tells of listeners that throw or reject, and goes on', async () => {
    const { store, told, all } = end(decides);
    store.on('change', () => {
      throw new Error('at once');
    });
    store.on('change', () => Promise.reject(new Error('later')));
    const last: unknown[] = [];
    store.on('change', (key) => void last.push(key));
    store.set('a', 1);
    await Promise.resolve();
    expect([all(), last, told]).toEqual([[['a', 1]], ['a'], ['HandlerFailed', 'HandlerFailed']]);
  });

  it('tells each listener of changes in their order, also of those that a listener makes', () => {
    const { store, heard, all } = end(decides);
    store.on('change', (key, value) => {
      if (key === 'a' && Number(value) < 3) store.set('a', Number(value) + 1);
    });
    const last: unknown[] = [];
    store.on('change', (_key, value) => void last.push(value));
    store.set('a', 1);
    expect([all(), last, heard.map(([, value]) => value)]).toEqual([[['a', 3]], [1, 2, 3], [1, 2, 3]]);
  });
});

describe('the end that decides', () => {
  it('takes a write of the peer when nobody objects, and says after how many changes', () => {
    const { store, sent, heard, shown, all } = end(true);
    expect(judge(store, 'a', 1)).toEqual({ refusal: undefined, changes: 0 });
    store.set('b', 2);
    expect(judge(store, 'a', { big: true })).toEqual({ refusal: undefined, changes: 1 });
    expect(judge(store, 'b')).toEqual({ refusal: undefined, changes: 1 });
    expect(judge(store, 'a', undefined)).toEqual({ refusal: undefined, changes: 1 });
    expect([all(), store.bytes, sent.length]).toEqual([[], 0, 1]);
    expect(heard).toEqual([
      ['a', 1, 'peer'],
      ['b', 2, 'here'],
      ['a', { big: true }, 'peer'],
      ['b', undefined, 'peer'],
      ['a', undefined, 'peer'],
    ]);
    expect(shown).toEqual([
      ['a', 1, undefined],
      ['b', 2, undefined],
      ['a', undefined, 1],
      ['b', undefined, 2],
    ]);
  });

  it('does not count what its listeners make of a write as having come before it', () => {
    const { store, all } = end(true);
    store.on('change', (key, _value, by) => {
      if (by === 'peer') store.set(key, 'echo');
    });
    expect(judge(store, 'a', 1)).toEqual({ refusal: undefined, changes: 0 });
    expect([all(), store.changeCount]).toEqual([[['a', 'echo']], 1]);
  });

  it('refuses what is no key with its value, keys of the server, and what the hook does not allow by true', async () => {
    const { store, heard, all } = end(true);
    store.serverKeys = new Set(['role']);
    const asked: unknown[] = [];
    let answer: unknown = true;
    store.mayWrite = (key, value) => {
      asked.push([key, value]);
      return answer as boolean;
    };
    const refusalOf = async (...values: unknown[]): Promise<string> =>
      (await judge(store, ...values)).refusal?.code ?? 'none';
    expect([
      await refusalOf('a', 1, 2),
      await refusalOf(''),
      await refusalOf('k'.repeat(257), 1),
      await refusalOf('role', 'boss'),
      await refusalOf('role'),
    ]).toEqual(['BadOption', 'BadOption', 'BadOption', 'WriteRefused', 'WriteRefused']);
    expect(judgeAs(store, [5, 1], payloadOf(5, 1))).toMatchObject({ refusal: { code: 'BadOption' } });
    expect(asked).toEqual([]);
    for (const no of [false, undefined, null, 1, 'true', {}, Promise.resolve(1), Promise.resolve(undefined)]) {
      answer = no;
      expect(await refusalOf('a', 1)).toBe('WriteRefused');
    }
    expect([all(), heard]).toEqual([[], []]);
    answer = Promise.resolve(true);
    expect([await refusalOf('a', 1), await refusalOf('a')]).toEqual(['none', 'none']);
    expect(asked.slice(-2)).toEqual([
      ['a', 1],
      ['a', undefined],
    ]);
  });

  it('takes a hook that throws or rejects as a no, and hands on why', async () => {
    const { store, all } = end(true);
    const why = new Error('broken');
    store.mayWrite = () => {
      throw why;
    };
    expect(await judge(store, 'a', 1)).toMatchObject({ refusal: { code: 'WriteRefused' }, cause: why });
    store.mayWrite = () => Promise.reject(why);
    const { refusal, cause } = await judge(store, 'a', 1);
    expect([refusal?.code, refusal?.message.includes('broken'), cause, all()]).toEqual([
      'WriteRefused',
      false,
      why,
      [],
    ]);
  });

  it('counts the changes that were made while the hook was thinking as before the write', async () => {
    const { store, all } = end(true);
    const gate = Promise.withResolvers<boolean>();
    store.mayWrite = () => gate.promise;
    const judgement = judge(store, 'a', 'theirs');
    store.set('a', 'ours');
    gate.resolve(true);
    void gate.promise.then(() => Promise.resolve()).then(() => store.set('b', 'after'));
    expect([await judgement, all()]).toMatchObject([{ changes: 1 }, [['a', 'theirs']]]);
  });

  it('holds a store to its bounds, whoever writes', () => {
    const { store, sent } = end(true);
    const half = 'x'.repeat(STORE_BYTES_MAX / 2 - 100);
    store.set('a', half);
    expect(judge(store, 'b', half)).toMatchObject({ refusal: undefined });
    expect(judge(store, 'c', 'x'.repeat(400))).toMatchObject({ refusal: { code: 'StoreFull' } });
    expect(codeOf(() => store.set('c', 'x'.repeat(400)))).toBe('StoreFull');
    expect([store.bytes <= STORE_BYTES_MAX, sent.length, store.changeCount]).toEqual([true, 1, 1]);
    store.delete('a');
    expect(judge(store, 'c', 'x'.repeat(400))).toMatchObject({ refusal: undefined });
    store.delete('b');
    for (let n = 0; n < STORE_KEYS_MAX - 1; n += 1) expect(judge(store, `k${n}`, n)).toMatchObject({ changes: 3 });
    expect(judge(store, 'one more', 1)).toMatchObject({ refusal: { code: 'StoreFull' } });
    expect([judge(store, 'one more'), judge(store, 'k0', 'new')]).toMatchObject([{}, { refusal: undefined }]);
    expect([...store.entries()]).toHaveLength(STORE_KEYS_MAX);
  });

  it('has nothing pending, and loses nothing with a gap', () => {
    const { store, all } = end(true);
    store.set('a', 1);
    store.takenBack(1);
    expect([store.lose(), store.pendingCount, store.lastUnjudged, store.isUnjudged(9)]).toEqual([
      { copy: new Map(), pending: [] },
      0,
      0,
      false,
    ]);
    expect(all()).toEqual([['a', 1]]);
  });
});

describe('the end that follows', () => {
  it('shows its own write until the verdict, then what the other end has', () => {
    const { store, heard, told, all } = end(false);
    change(store, 'a', 'theirs');
    store.set('a', 'mine');
    change(store, 'a', 'theirs again');
    expect([all(), store.pendingCount]).toEqual([[['a', 'mine']], 1]);
    store.judged(1, new HomingError('WriteRefused', 'no'));
    expect([all(), store.pendingCount, told]).toEqual([[['a', 'theirs again']], 0, ['WriteRefused']]);
    expect(heard).toEqual([
      ['a', 'theirs', 'peer'],
      ['a', 'mine', 'here'],
      ['a', 'theirs again', 'peer'],
    ]);
  });

  it('says nothing when a write is accepted that it showed already', () => {
    const { store, heard, shown } = end(false);
    store.set('a', 1);
    store.judged(1, undefined);
    change(store, 'b', 2);
    expect([heard.length, shown.length, store.pendingCount]).toEqual([2, 2, 0]);
    store.judged(7, undefined);
    store.judged(7, new HomingError('WriteRefused', 'nobody asked'));
    expect(heard.length).toBe(2);
  });

  it('reads a change of undefined as a deletion, and does not keep one that cannot be read', () => {
    const { store, told, all } = end(false);
    change(store, 'a', { deep: 1 });
    change(store, 'a', undefined);
    expect([all(), store.bytes]).toEqual([[], 0]);
    change(store, 'a', 1, 2);
    change(store, 'k'.repeat(257), 1);
    change(store, '', 1);
    store.set('b', 1);
    store.judged(5, undefined);
    expect([all(), told, store.pendingCount]).toEqual([[['b', 1]], ['BadOption', 'BadOption', 'BadOption'], 0]);
  });

  it('does not keep what goes past the bounds, and says so', () => {
    const { store, told } = end(false);
    for (let n = 0; n <= STORE_KEYS_MAX; n += 1) change(store, `k${n}`, n);
    change(store, 'k0', 'x'.repeat(STORE_BYTES_MAX));
    expect([[...store.entries()].length, store.get('k0'), told, store.bytes < STORE_BYTES_MAX]).toEqual([
      STORE_KEYS_MAX,
      0,
      ['StoreFull', 'StoreFull'],
      true,
    ]);
    store.set('mine', 1);
    store.judged(0, undefined);
    expect([store.get('mine'), store.pendingCount, [...store.entries()].length]).toEqual([
      undefined,
      0,
      STORE_KEYS_MAX,
    ]);
  });

  it('takes no more writes than an outbox does, in number and bytes, until verdicts come', () => {
    const { store, all, heard } = end(false, { outboxMessages: 3, outboxBytes: 100 });
    for (const n of [1, 2, 3]) store.set('a', n);
    expect(codeOf(() => store.set('a', 4))).toBe('OutboxFull');
    expect([all(), heard.length]).toEqual([[['a', 3]], 3]);
    store.judged(0, undefined);
    expect(codeOf(() => store.set('a', 'x'.repeat(100)))).toBe('OutboxFull');
    store.set('a', 4);
    // A write that waits for a change is pending, accepted or not.
    store.judged(9, undefined);
    expect([codeOf(() => store.set('a', 5)), store.pendingCount]).toEqual(['OutboxFull', 3]);
  });

  it('shows the old value again when a write is taken back', () => {
    const { store, heard, all } = end(false);
    store.set('a', 1);
    store.set('a', 2);
    store.set('b', 3);
    store.takenBack(2);
    store.takenBack(3);
    store.takenBack(99);
    expect([all(), heard.slice(3), store.lastUnjudged > 0]).toEqual([
      [['a', 1]],
      [
        ['a', 1, 'peer'],
        ['b', undefined, 'peer'],
      ],
      true,
    ]);
  });

  it('loses all with a gap: tells of each key, reports copy and pending, and begins at nothing', () => {
    const { store, heard, shown, all } = end(false);
    change(store, 'a', { theirs: true });
    change(store, 'b', 2);
    store.set('b', undefined);
    store.set('c', 'mine');
    store.set('c', 'mine again');
    store.judged(9, undefined);
    heard.length = 0;
    shown.length = 0;
    const expected = {
      copy: new Map<string, unknown>([
        ['a', { theirs: true }],
        ['b', 2],
      ]),
      pending: [
        { key: 'b', value: undefined },
        { key: 'c', value: 'mine' },
        { key: 'c', value: 'mine again' },
      ],
    };
    expect([store.atStake, store.lose()]).toEqual([expected, expected]);
    expect([all(), store.pendingCount, store.bytes, store.lose()]).toEqual([
      [],
      0,
      0,
      { copy: new Map(), pending: [] },
    ]);
    expect(heard).toEqual([
      ['a', undefined, 'peer'],
      ['c', undefined, 'peer'],
    ]);
    expect(shown).toEqual([
      ['a', undefined, undefined],
      ['c', undefined, 'mine again'],
    ]);
    store.set('a', 1);
    store.judged(0, undefined);
    expect([all(), store.pendingCount]).toEqual([[['a', 1]], 0]);
  });

  it('keeps what a listener sets again while a gap is told, and all hear of it last', () => {
    const { store, heard, all } = end(false);
    change(store, 'a', 1);
    change(store, 'b', 2);
    store.on('change', (key, value) => {
      if (key === 'a' && value === undefined) store.set('b', 'again');
    });
    store.lose();
    expect([all(), heard.slice(2)]).toEqual([
      [['b', 'again']],
      [
        ['a', undefined, 'peer'],
        ['b', undefined, 'peer'],
        ['b', 'again', 'here'],
      ],
    ]);
  });

  it('refuses to judge', () => {
    const { store, all } = end(false);
    expect(judge(store, 'a', 1)).toMatchObject({ refusal: { code: 'WriteRefused' } });
    expect(all()).toEqual([]);
  });
});

describe('a shard that holds as much as it may', () => {
  it('takes no entry of a peer, and lets it delete what is there', async () => {
    const { store, state, all } = end(true);
    await judge(store, 'a', 1);
    state.isSpent = true;
    expect(await judge(store, 'b', 2)).toMatchObject({ refusal: { code: 'StoreFull' } });
    expect(await judge(store, 'a')).toMatchObject({ refusal: undefined });
    expect(all()).toEqual([]);
  });
});

describe('a store whose session has ended', () => {
  it('stays as it is when a hook answers too late', async () => {
    const { store, heard, all } = end(true);
    const gate = Promise.withResolvers<boolean>();
    store.mayWrite = () => gate.promise;
    const judged = judge(store, 'a', 1);
    store.close();
    gate.resolve(true);
    expect(await judged).toMatchObject({ refusal: { code: 'WriteRefused' } });
    expect([all(), heard]).toEqual([[], []]);
  });
});
