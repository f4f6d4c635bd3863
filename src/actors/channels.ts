/**
 * Every channel of `node:diagnostics_channel` that Homing publishes on, with the fields of its messages. Channels belong to a
 * thread: what happens in a shard is published there, and what the main thread is told of it once more there, under names
 * that begin with `homing:server`. Without a subscriber a channel costs one look at `hasSubscribers`.
 */
import { channel } from 'node:diagnostics_channel';
import type { HomingError } from '../errors.ts';
import type { MachineName } from './events.ts';

/** A session as messages have it. */
export interface SessionFacts {
  readonly id: string;
  readonly epoch: number;
  /** Number of its shard; undefined for a client. */
  readonly shard: number | undefined;
  readonly identityId: string | undefined;
  /** This end dials. */
  readonly dialled: boolean;
}

interface SessionMessage {
  readonly session: SessionFacts;
}

interface UpMessage extends SessionMessage {
  readonly resumed: boolean;
}

interface DownMessage extends SessionMessage {
  readonly code: string;
}

interface GapMessage extends SessionMessage {
  readonly oldId: string;
  readonly unconfirmed: number;
  readonly carried: number;
}

interface EndMessage extends SessionMessage {
  readonly code: string;
  readonly unconfirmed: number;
  readonly carried: number;
}

interface ErrorMessage {
  readonly error: HomingError;
  readonly session: SessionFacts | undefined;
}

/** A call; the message of its end is the object of its beginning with the last two fields filled in. */
export interface CallMessage {
  readonly method: string;
  readonly sessionId: string;
  readonly epoch: number;
  durationMs: number | undefined;
  error: unknown;
}

/** The messages by channel. */
export interface ChannelMessages {
  'homing:connection:state': {
    readonly machine: MachineName;
    readonly from: string | undefined;
    readonly to: string;
    readonly cause: string | undefined;
    readonly sessionId: string | undefined;
    readonly address: string | undefined;
  };
  'homing:handshake:refused': {
    readonly machine: MachineName;
    readonly code: string;
    readonly reason: string;
    readonly address: string | undefined;
  };
  'homing:session:begin': SessionMessage;
  'homing:session:up': UpMessage;
  'homing:session:down': DownMessage;
  'homing:session:gap': GapMessage;
  'homing:session:end': EndMessage;
  'homing:error': ErrorMessage;
  'homing:call:start': CallMessage;
  'homing:call:settled': CallMessage;
  'homing:run:start': CallMessage;
  'homing:run:settled': CallMessage;
  'homing:server:session:begin': SessionMessage;
  'homing:server:session:up': UpMessage;
  'homing:server:session:down': DownMessage;
  'homing:server:session:gap': GapMessage;
  'homing:server:session:end': EndMessage;
  'homing:server:error': ErrorMessage;
  'homing:server:shard:started': { readonly shard: number; readonly generation: number };
  'homing:server:shard:lost': {
    readonly shard: number;
    readonly generation: number;
    readonly error: HomingError | undefined;
  };
}

/** The name of a channel. */
export type ChannelName = keyof ChannelMessages;

/** A channel that takes messages of its kind. */
export interface TypedChannel<Message> {
  readonly hasSubscribers: boolean;
  publish(message: Message): void;
}

function open<Name extends ChannelName>(name: Name): TypedChannel<ChannelMessages[Name]> {
  return channel(name);
}

/** The channels of this thread. */
export const channels: { readonly [Name in ChannelName]: TypedChannel<ChannelMessages[Name]> } = {
  'homing:connection:state': open('homing:connection:state'),
  'homing:handshake:refused': open('homing:handshake:refused'),
  'homing:session:begin': open('homing:session:begin'),
  'homing:session:up': open('homing:session:up'),
  'homing:session:down': open('homing:session:down'),
  'homing:session:gap': open('homing:session:gap'),
  'homing:session:end': open('homing:session:end'),
  'homing:error': open('homing:error'),
  'homing:call:start': open('homing:call:start'),
  'homing:call:settled': open('homing:call:settled'),
  'homing:run:start': open('homing:run:start'),
  'homing:run:settled': open('homing:run:settled'),
  'homing:server:session:begin': open('homing:server:session:begin'),
  'homing:server:session:up': open('homing:server:session:up'),
  'homing:server:session:down': open('homing:server:session:down'),
  'homing:server:session:gap': open('homing:server:session:gap'),
  'homing:server:session:end': open('homing:server:session:end'),
  'homing:server:error': open('homing:server:error'),
  'homing:server:shard:started': open('homing:server:shard:started'),
  'homing:server:shard:lost': open('homing:server:shard:lost'),
};
