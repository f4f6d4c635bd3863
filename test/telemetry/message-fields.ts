/** Every field of every message, in its order; the compiler sees to it that none is missing and none is too many. */
import type { CallMessage, ChannelMessages, ChannelName } from '../../src/actors/channels.ts';

type Fields<Message> = Readonly<Record<keyof Message, true>>;

const session = { session: true } as const;
const call: Fields<CallMessage> = { method: true, sessionId: true, epoch: true, durationMs: true, error: true };
const up = { ...session, resumed: true } as const;
const down = { ...session, code: true } as const;
const gap = { ...session, oldId: true, unconfirmed: true, carried: true } as const;
const end = { ...session, code: true, unconfirmed: true, carried: true } as const;
const error = { error: true, session: true } as const;

export const messageFields: { readonly [Name in ChannelName]: Fields<ChannelMessages[Name]> } = {
  'homing:connection:state': { machine: true, from: true, to: true, cause: true, sessionId: true, address: true },
  'homing:handshake:refused': { machine: true, code: true, reason: true, address: true },
  'homing:session:begin': session,
  'homing:session:up': up,
  'homing:session:down': down,
  'homing:session:gap': gap,
  'homing:session:end': end,
  'homing:error': error,
  'homing:call:start': call,
  'homing:call:settled': call,
  'homing:run:start': call,
  'homing:run:settled': call,
  'homing:server:session:begin': session,
  'homing:server:session:up': up,
  'homing:server:session:down': down,
  'homing:server:session:gap': gap,
  'homing:server:session:end': end,
  'homing:server:error': error,
  'homing:server:shard:started': { shard: true, generation: true },
  'homing:server:shard:lost': { shard: true, generation: true, error: true },
};
