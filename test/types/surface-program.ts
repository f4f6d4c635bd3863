// A typed program that must keep compiling against the package: the acceptance test of the public types. It is compiled,
// never run.
import { type Duplex, duplexPair } from 'node:stream';
import {
  type Action,
  type Arrived,
  type Behavior,
  type Client,
  type ClientOptions,
  type Connection,
  type ConnectionState,
  type Contract,
  type Credentials,
  type EndReport,
  type Flip,
  type GapReport,
  type Group,
  type GroupOptions,
  HomingError,
  type Identity,
  type Listening,
  type Peer,
  type Presence,
  type Sent,
  type Server,
  type ServerEvents,
  type ServerOptions,
  type Session,
  type SessionInfo,
  type SharedStore,
  type Store,
  type Turn,
  type Wait,
  type Where,
  createClient,
  createServer,
  defineBehavior,
} from 'homing';

type Tree = { name: string; children: Tree[] };

type Chat = {
  identity: { id: string; user: string };
  credentials: { token: string };
  store: { room: string; role: 'worker' | 'boss' };
  server: {
    events: {
      say: [text: string];
      opt: [a: string, b?: number];
      many: [first: string, ...rest: number[]];
      none: [];
      tree: [tree: Tree];
      values: [date: Date, bytes: Uint8Array, map: Map<string, Date>, set: Set<bigint>, error: Error];
      readonlys: [list: readonly number[], map: ReadonlyMap<string, number>];
    };
    methods: {
      history(n: number): string[];
      sum(...n: number[]): number;
      tree(): Tree;
      when(): Promise<ReadonlyMap<string, Date>>;
    };
  };
  client: { events: { said: [who: string, text: string] }; methods: { mood(): string } };
};

// ---- behaviors

export const chat = defineBehavior<Chat>({
  module: import.meta.url,
  serverKeys: ['role'],
  authorize(session, action) {
    const asked: Action<Chat> = action;
    if (asked.type === 'write') return asked.key === 'room' && asked.value !== session.identity.user;
    if (asked.type === 'presence') return Promise.resolve(true);
    return typeof asked.selector === 'string' || asked.selector.role === 'worker';
  },
  authenticate(credentials, peer) {
    const token: string = credentials.token;
    const from: [string, number | undefined, unknown] = [peer.address, peer.port, peer.certificate];
    return { id: token, user: from[0] };
  },
  start(session) {
    session.on('say', (text) => session.to({ room: 'main' }).send('said', session.identity.user, text));
    session.on('opt', (a, b) => {
      const maybe: number | undefined = b;
      return [a, maybe];
    });
    session.on('many', (first, ...rest) => [first.length, rest.map((each) => each.toFixed())]);
    session.on('none', () => session.turn.messageId);
    session.once('tree', (tree) => tree.children[0]?.children[0]?.name);
    session.on('values', (date, bytes, map, set, error) => {
      const found: Date | undefined = map.get('x');
      return [date.getTime(), bytes.length, found, set.has(1n), error.message];
    });
    session.on('readonlys', (list, map) => {
      map.set('arrived as a map of its own', list.length);
    });
    session.expose({
      history: (n) => ['line'].slice(-n.toFixed().length),
      sum: async (...n) => n.length,
      tree: () => ({ name: session.id, children: [] }),
    });
    session.expose({ when: () => new Map([['now', new Date()]]) });
    const mood: Promise<string> = session.call('mood');
    const moods: Promise<string>[] = [session.remote.mood(), session.with({ clock: 'up' }).remote.mood(), mood];
    void moods;
    // @ts-expect-error the server has no such method
    session.expose({ mood: () => 'fine' });
    // @ts-expect-error history returns a list
    session.expose({ history: () => 'line' });
    // @ts-expect-error history takes a number
    session.expose({ history: (text: string) => [text] });
    // @ts-expect-error the client has no such method
    void session.call('history', 1);
    const remove: () => void = session.on('say', async () => {}, { signal: AbortSignal.timeout(1) });
    remove();
    const facts: [string, number, boolean, ConnectionState] = [
      session.id,
      session.epoch,
      session.restored,
      session.connection.state,
    ];
    // @ts-expect-error the client accepts no 'say'
    session.send('say', 'text');
    // @ts-expect-error the server accepts no 'said'
    session.on('said', () => {});
    // @ts-expect-error 'say' carries a text, not a number
    session.on('say', (text: number) => text);
    // @ts-expect-error 'said' carries two texts
    session.send('said', 'who');
    // @ts-expect-error an identity has no token
    void session.identity.token;
    // @ts-expect-error the identity is what the hook found, not to be set
    session.identity = { id: 'x', user: 'y' };
    void facts;
    return session.close('bye');
  },
});

// @ts-expect-error the server writes keys of the store only
export const wrongKeys = defineBehavior<Chat>({ serverKeys: ['rooms'], start() {} });
// @ts-expect-error an identity needs an id
export const withoutId = defineBehavior<Chat>({ authenticate: () => ({ user: 'u' }), start() {} });
// @ts-expect-error a behavior needs a start
export const withoutStart = defineBehavior<Chat>({ authenticate: () => ({ id: '1', user: 'u' }) });
export const later = defineBehavior<Chat>({
  authenticate: async ({ token }) => ({ id: await Promise.resolve(token), user: 'u' }),
  start: async (session) => {
    await session.flush();
  },
});

/** The other side of the contract, for a behavior that dials. */
export const agent = defineBehavior<Flip<Chat>>({
  module: import.meta.url,
  tasks: { double: (n: number) => n * 2 },
  start(session) {
    session.on('said', (who, text) => session.send('say', who + text));
    void session.deliver('opt', 'a', 1);
    const doubled: Promise<number> = session.offload<number>('double', 4, { timeoutMs: 5 });
    return doubled;
  },
});

const fleet = createServer(agent, { shards: 2, watchdogMs: 1_000, restarts: { max: 3 }, shardHeapMb: 256 });
const info: SessionInfo = await fleet.dial('localhost:5555', { credentials: { token: 't' } });
await fleet.dial({ host: 'other.example', port: 1, tls: { ca: 'pem' } }, { signal: AbortSignal.timeout(1) });
export const byUrl: Server<Chat> = createServer<Chat>(new URL('./chat.ts', import.meta.url));
await fleet.listen({ port: 0, host: '0.0.0.0', tls: { key: 'k', cert: 'c' }, direct: { ports: [1, 2] } });
await fleet.listen({ port: 0, direct: false });
fleet.on('error', (error, { messageId }) => [error.code, messageId, info.shard]);

// ---- contracts as interfaces, with missing halves

interface Events {
  say: [text: string];
}
interface Half {
  server: { events: Events };
  client: {};
}
export const half = defineBehavior<Half>({
  start(session) {
    session.on('say', (text) => text.length);
    // @ts-expect-error this client accepts nothing
    session.send('said');
    const identity: undefined = session.identity;
    return identity;
  },
});
export const inline = createServer<Half>((session) => session.on('say', (text) => text.length));
export const inlineObject = createServer<Chat>({
  authenticate: () => ({ id: '1', user: 'u' }),
  start(session) {
    void session.identity.user;
  },
});

// ---- servers

const options: ServerOptions = {
  heartbeat: { intervalMs: 5_000, timeoutMs: 15_000 },
  handshakeMs: 10_000,
  lingerMs: 120_000,
  limits: { messageBytes: 1_000_000, sessions: 10 },
  signal: AbortSignal.timeout(1_000),
};
const server: Server<Chat> = createServer(chat, options);
const addresses: Where[] = [
  5555,
  '5555',
  'localhost:5555',
  'home.sock',
  { port: 0 },
  { port: 1, host: 'a', insecure: true },
];
const listening: Listening = await server.listen(addresses[0] ?? 0);
const at: [string, number, string | undefined] = [listening.host, listening.port, listening.path];
server.on('session', (info) => {
  const plain: SessionInfo = info;
  return [plain.id, plain.shard, plain.epoch, plain.identityId, plain.dialled];
});
server.on('up', (_info, { resumed }) => !resumed);
server.on('down', (_info, { code }) => code.length);
server.on('gap', (_info, { unconfirmed, carried }) => unconfirmed + carried);
server.on('end', (_info, { code, unconfirmed, carried }) => [code, unconfirmed, carried]);
const removeError: () => void = server.on('error', (error, { session, messageId }) => [
  error.code,
  session?.id,
  messageId,
]);
removeError();
// @ts-expect-error no such event
server.on('close', () => {});
// @ts-expect-error events carry facts, never a live session
server.on('session', (info) => info.send);
const listener = (...[error]: ServerEvents['error']): string => error.code;
server.on('error', listener);
const [near, far]: Duplex[] = duplexPair();
if (near !== undefined) server.accept(near);
// @ts-expect-error a port is a number, digits, or part of an address
await server.listen({ host: 'localhost', port: '5555' });

// ---- clients

const client = createClient<Chat>(5555, { credentials: { token: 't' } });
client.on('said', (who, text) => {
  const both: string = who + text;
  return both;
});
client.once('said', async () => {});
const accepted: boolean = client.send('say', 'hello');
client.send('opt', 'a');
client.send('opt', 'a', 1);
client.send('many', 'a', 1, 2, 3);
client.send('none');
client.send('tree', { name: 'root', children: [{ name: 'leaf', children: [] }] });
client.send('values', new Date(), new Uint8Array(), new Map(), new Set([1n]), new Error('x'));
client.send('readonlys', [1, 2] as const, new Map([['a', 1]]));
// @ts-expect-error arity
client.send('say');
// @ts-expect-error too many
client.send('say', 'a', 'b');
// @ts-expect-error wrong type
client.send('say', 5);
// @ts-expect-error no such event
client.send('said', 'a', 'b');
// @ts-expect-error wrong type behind the first
client.send('many', 'a', 'b');
// @ts-expect-error not an event of the client
client.on('say', () => {});
// @ts-expect-error wrong type in a handler
client.on('said', (who: number) => who);
const delivered: Promise<void> = client.deliver('say', 'hello');
// @ts-expect-error arity
void client.deliver('say');
const wait: Wait = { timeoutMs: 500, signal: AbortSignal.timeout(1) };
await Promise.all([delivered, client.flush(), client.writable()]);
await client.with(wait).deliver('say', 'hello');
await client.with({ timeoutMs: 100 }).flush();
await client.with({ timeoutMs: undefined, signal: undefined }).writable();
// @ts-expect-error a wait has a deadline in milliseconds
client.with({ timeout: 5 });
const upWith = await client.up({ timeoutMs: 5 });
const history: Promise<string[]> = upWith.history(1);
const lines: string[] = await client.call('history', 10);
const sum: number = await client.remote.sum(1, 2, 3);
const tree: Tree = await client.with(wait).call('tree');
const when: Map<string, Date> = await client.with({ timeoutMs: 5, clock: 'wall' }).remote.when();
void [history, lines, sum, tree, when];
// @ts-expect-error a method that is not there
void client.call('histori', 10);
// @ts-expect-error a method that is not there
void client.remote.histori;
// @ts-expect-error a number is needed
void client.call('history', 'x');
// @ts-expect-error a number is needed
void client.remote.history('x');
// @ts-expect-error arity
void client.call('history');
// @ts-expect-error events are not called
void client.call('say', 'x');
// @ts-expect-error methods are not sent
client.send('history', 10);
// @ts-expect-error there are two clocks
void client.with({ timeoutMs: 5, clock: 'monotonic' });
client.expose({ mood: async () => 'fine' });
client.expose({});
// @ts-expect-error the client has no such method
client.expose({ history: () => [] });
// @ts-expect-error a mood is a text
client.expose({ mood: () => 5 });
const established = createClient<Chat, { account: string }>(5555, {
  credentials: { token: 't' },
  establish: async (remote, { resumed }) => ({ account: `${(await remote.history(1))[0] ?? ''} ${resumed ? 1 : 0}` }),
});
const account: string = (await established.up()).account;
void account;
// @ts-expect-error what establish returns is what up hands out
void (await established.up()).history;
// @ts-expect-error the remote of establish has the methods of the server
createClient<Chat, void>(5555, { establish: (remote) => void remote.mood });
// @ts-expect-error establish returns what the client says it does
createClient<Chat, { account: string }>(5555, { establish: () => 'account' });
client.connect();
client.reconnect();
client.disconnect();
client.ref().unref().send('none');
client.autoReconnect = false;
// @ts-expect-error true or false
client.autoReconnect = 'yes';
const turn = (): Turn => client.turn;
const turnFacts = ({
  messageId,
  attempt,
  epoch,
  from,
  signal,
}: Turn): [string, number, number, string | undefined, boolean] => [messageId, attempt, epoch, from, signal.aborted];

// ---- the store, groups and presence

const store: SharedStore<Store<Chat>> = client.store;
store.set('room', 'main');
store.delete('role');
const room: string | undefined = store.get('room');
const role: 'worker' | 'boss' | undefined = store.get('role');
const entries: [string, unknown][] = [...store.entries()];
const unheard: () => void = store.on('change', (key: string, value: unknown, by: 'here' | 'peer') => [key, value, by]);
unheard();
void [room, role, entries];
// @ts-expect-error no such role
store.set('role', 'x');
// @ts-expect-error no such key
store.set('rooms', 'main');
// @ts-expect-error no such key
store.get('rooms');
client.connection.on('gap', ({ store: { copy, pending } }) => {
  const kept: ReadonlyMap<string, unknown> = copy;
  return [kept, ...pending.map(({ key, value }) => [key, value])];
});

const sent: Sent = await server.to({ role: 'worker' }).send('said', 'a', 'b');
const counts: [number, number, number] = [sent.accepted, sent.refused, sent.held];
const how: GroupOptions = { holdMs: 5_000, except: client.id };
const group: Group<Chat['client']['events']> = server.to({ role: 'worker', room: 'main' }, how);
await Promise.all([group.send('said', 'a', 'b'), server.to(client.id).send('said', 'a', 'b')]);
await server.toAll().send('said', 'a', 'b');
await server.toAll({ except: client.id }).send('said', 'a', 'b');
const fromClient: Promise<Sent> = client.to({ role: 'boss' }).send('said', 'a', 'b');
void [counts, fromClient];
// @ts-expect-error wrong role
void server.to({ role: 'x' }).send('said', 'a', 'b');
// @ts-expect-error wrong key
void server.to({ rooms: 'main' });
// @ts-expect-error wrong event
void server.to({ role: 'boss' }).send('say', 'a');
// @ts-expect-error arity
void server.toAll().send('said', 'a');
// @ts-expect-error a group is not waited for
void client.to({ role: 'boss' }).deliver;
// @ts-expect-error times are numbers
void server.to({ role: 'boss' }, { holdMs: '5s' });

const shown = createServer(chat, { presence: { keys: ['room', 'role'] } });
const here: Presence<Store<Chat>> = await shown.presence();
using seen = await client.presence();
for (const [id, { room: in_, role: as }] of here.members) {
  const place: [string, string | undefined, 'worker' | 'boss' | undefined] = [id, in_, as];
  void place;
}
here.on('came', (id, values) => [id.length, values.room]);
here.on('changed', (_, { role: now }) => now === 'boss');
const unwatched: () => void = here.on('went', (id) => seen.members.has(id));
unwatched();
here.close();
// @ts-expect-error no such event
here.on('left', () => {});
// @ts-expect-error who is here is told, not set
void here.members.set;
// @ts-expect-error presence names its keys
createServer(chat, { presence: true });

// ---- functions and streams as values

type Branch = { name: string; children: Branch[]; poke(n: number): string };
type Feeds = {
  server: {
    methods: {
      watch(onLine: (line: string) => void): () => void;
      echo(work: (n: number) => Promise<string>): (n: number) => Promise<string>;
      feed(): AsyncIterable<{ at: Date; more: AsyncIterable<number> }>;
      sum(numbers: AsyncIterable<number>): number;
      branch(): Branch;
    };
  };
  client: { events: { work: [run: (n: number) => string] } };
};
export const feeds = defineBehavior<Feeds>({
  start(session) {
    session.expose({
      watch(onLine) {
        const told: Promise<void> = onLine('x');
        void told;
        onLine[Symbol.dispose]();
        // @ts-expect-error a line is a text
        void onLine(5);
        return () => {};
      },
      echo: (work) => work,
      async *feed() {
        yield { at: new Date(), more: (async function* () {})() };
      },
      async sum(numbers) {
        let total = 0;
        for await (const n of numbers) total += n;
        return total;
      },
    });
    // @ts-expect-error a number is no text
    session.send('work', (n) => n);
    session.send('work', (n) => String(n));
  },
});
const feeder = createClient<Feeds>(5555);
feeder.on('work', async (run) => {
  using held = run;
  const answer: string = await held(1);
  return answer;
});
const off = await feeder.remote.watch((line) => void line.length);
await off();
const echoed: string = await (await feeder.call('echo', async (n) => String(n)))(1);
for await (const { at: when_, more } of await feeder.remote.feed()) {
  const day: Date = when_;
  for await (const n of more) void (n satisfies number);
  void day;
}
const total: number = await feeder.call(
  'sum',
  (async function* () {
    yield 1;
  })(),
);
const branch = await feeder.remote.branch();
const poked: string | undefined = await branch.children[0]?.children[0]?.poke(1);
// @ts-expect-error what a stub gives comes later
const early: string = branch.poke(1);
// @ts-expect-error a poke needs a number
void branch.poke('x');
void [echoed, total, poked, early];

// ---- the life of a connection

const connection: Connection = client.connection;
connection.on('change', (state, previous) => {
  const states: ConnectionState[] = [state, previous];
  // @ts-expect-error no such state
  return state === 'open' || states;
});
connection.on('up', ({ resumed }) => !resumed);
connection.on('down', ({ code }) => code.length);
connection.on('reconnect', ({ attempt, delayMs, cause }) => [attempt + delayMs, cause?.message]);
connection.on('gap', (report) => {
  if (report.unconfirmed > 0) report.resend();
  if (report.carried > 10) report.discard();
  const incoming: 'unknown' = report.incoming;
  return [report.reason, report.oldId, report.epoch, incoming];
});
connection.on('refused', ({ code, reason, unconfirmed, carried }) => [code, reason, unconfirmed, carried]);
connection.on('closed', (report: EndReport) => report.code);
const removeListener: () => void = connection.on('error', (error: Error & { code: string }) => error.code);
removeListener();
// @ts-expect-error no such event
connection.on('open', () => {});
// @ts-expect-error the state is told, not set
connection.state = 'up';
const roundTripMs: number | undefined = connection.rttMs;
const onGap = (report: GapReport): void => report.resend();
connection.on('gap', onGap);

// ---- where and with what

export const clients: Client<Chat>[] = [
  createClient<Chat>('localhost:5555', { credentials: () => ({ token: 't' }) }),
  createClient<Chat>({ port: 5555 }, { credentials: async () => ({ token: await Promise.resolve('t') }) }),
  createClient<Chat>(far ?? 1, { autoConnect: false, autoReconnect: false }),
  createClient<Chat>({ createConnection: () => duplexPair()[0] }, { backoff: { firstMs: 0, maxMs: 1_000 } }),
  createClient<Chat>({ createConnection: async () => Promise.resolve(duplexPair()[0]) }, { checksum: true }),
];
// @ts-expect-error wrong credentials
createClient<Chat>(5555, { credentials: { password: 'p' } });
// @ts-expect-error wrong credentials from a function
createClient<Chat>(5555, { credentials: () => 5 });
// @ts-expect-error without credentials in the contract there are none
createClient<Half>(5555, { credentials: { token: 't' } });
// @ts-expect-error no such limit
createClient<Half>(5555, { limits: { frames: 1 } });
const shared: ClientOptions<Chat> = { credentials: { token: 't' }, signal: AbortSignal.timeout(1) };
export const again = createClient<Chat>('5555', shared);

// ---- disposal and errors

{
  await using scoped = createClient<Half>(5555);
  await using own = createServer<Half>(() => {});
  void [scoped, own];
}
try {
  await client.close({ drainMs: 100 });
  await server.close();
} catch (error) {
  if (error instanceof HomingError)
    void [error.code satisfies string, error.retry satisfies boolean, error.outcome, error.messageId];
}

// ---- types by name

export type Known = [Identity<Chat>, Credentials<Chat>, Identity<Half>, Credentials<Half>];
export const known: Known = [{ id: '1', user: 'u' }, { token: 't' }, undefined, undefined];
export type Crossed = Arrived<{ list: readonly Date[]; map: ReadonlyMap<string, Set<bigint>> }>;
export const crossed: Crossed = { list: [new Date()], map: new Map([['a', new Set([1n])]]) };
export const anyBehavior: Behavior<Contract> = { start: (session: Session<Contract>) => session.id };
export const hook = (peer: Peer): string => peer.address;
export { accepted, at, roundTripMs, turn, turnFacts, upWith };
