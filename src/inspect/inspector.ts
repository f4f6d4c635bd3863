/** What an inspector is to its users: how it is opened, and what it is then. */
import type { InspectHub } from '../actors/events.ts';

/** How an inspector is opened. */
export interface InspectorOptions {
  /** Port to listen at; 0 takes a free one. */
  readonly port: number;
  /** Where to listen; loopback unless given. Anything else needs a `token`. */
  readonly host?: string | undefined;
  /** What viewers must know; none is asked on loopback unless given. */
  readonly token?: string | undefined;
  /** Viewers may break connections, to see sessions survive. */
  readonly mayCut?: boolean | undefined;
  /** Shown everything before it leaves; what it returns leaves in its place. */
  readonly redact?: ((value: unknown) => unknown) | undefined;
  /** Names this process among others; its process id unless given. */
  readonly node?: string | undefined;
}

/** An inspector that listens. It never keeps a process alive. */
export interface Inspector extends InspectHub, AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Address of the page. */
  readonly url: string;
  /** Stops listening and lets all viewers go. */
  close(): Promise<void>;
}
