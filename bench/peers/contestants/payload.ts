/** Messages as CBOR, for contestants that carry bytes. The settings are those of Homing, so that codecs cost the same. */
import { Encoder } from 'cbor-x/index-no-eval';
import type { Message } from '../contestant.ts';

const codec = new Encoder({ useRecords: false });

/** The bytes of a message or of a call's numbers; a view of a larger chunk that is not written to again. */
export function encode(value: Message | readonly number[] | number): Buffer {
  return codec.encode(value);
}

/** Reads what `encode` wrote on the other end. Trusts it: both ends are the benchmark's own. */
export function decode<Value extends Message | readonly [number, number] | number>(bytes: Uint8Array): Value {
  return codec.decode(bytes) as Value;
}
