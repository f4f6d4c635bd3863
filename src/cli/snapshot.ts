/** What an inspector tells a terminal: one snapshot over HTTP. */

/** One thread with connections. */
export interface ShardLine {
  readonly place: string;
  readonly generation: number;
  readonly states: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly sessions: number;
  readonly connections: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly acked: number;
  readonly cuts: number;
  readonly resumes: number;
  readonly outboxMessages: number;
  readonly outboxBytes: number;
}

/** One connection, or a session without. */
export interface RowLine {
  readonly id: string;
  readonly machine?: string;
  readonly state: string;
  readonly sinceMs?: number;
  readonly sessionId?: string;
  readonly identityId?: string;
  readonly address?: string;
  readonly rttMs?: number;
  readonly outboxMessages?: number;
  readonly resumes?: number;
}

/** Everything at a moment. */
export interface Snapshot {
  readonly atMs: number;
  readonly node: string;
  readonly shards: readonly ShardLine[];
  readonly total: number;
  readonly rows: readonly RowLine[];
}

/** Asks an inspector. Rejects with a sentence when it does not answer, or turns one away. */
export async function snapshotOf(url: URL, token: string | undefined): Promise<Snapshot> {
  const address = new URL('/snapshot.json', url);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let response: Response;
  try {
    response = await fetch(address, { headers });
  } catch (error) {
    throw new Error(`no inspector answers at ${url.href}: start one with createServer(…, { inspect: { port } })`, {
      cause: error,
    });
  }
  if (response.status === 401) throw new Error(`the inspector at ${url.href} wants a token: --token`);
  if (!response.ok) throw new Error(`the inspector at ${url.href} answered ${response.status}`);
  return (await response.json()) as Snapshot;
}

/** The address as a browser opens it first. */
export function withToken(url: URL, token: string | undefined): URL {
  const address = new URL(url);
  if (token !== undefined) address.searchParams.set('token', token);
  return address;
}
