/** A HELLO as PROTOCOL.md section 3 has it, read with every rule of that section checked. */
import { Fields } from '../../conformance/bytes.ts';

/** What a HELLO says, as far as it matters for what follows. */
export interface Hello {
  readonly body: Buffer;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly features: number;
  readonly lingerMs: number;
  readonly messageBytes: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly dialNumber: number;
  readonly mode: number;
  readonly id: string;
  readonly epoch: number;
  readonly orderedReceived: number;
  readonly cursor: number;
  readonly directReceived: number;
  readonly unsigned: Buffer;
  readonly mac: Buffer | undefined;
}

const MAGIC = 0x484d_4e47;

/** Reads a HELLO. Throws `Failed` for one that must not be sent. */
export function readHello(body: Buffer): Hello {
  const fields = new Fields(body, 'its HELLO');
  if (fields.u32() !== MAGIC) fields.fail('has no magic');
  const [versionMin, versionMax] = [fields.u8(), fields.u8()];
  if (versionMin < 1 || versionMax < versionMin) fields.fail(`has versions ${versionMin} to ${versionMax}`);
  const features = fields.u32();
  fields.bytes(8);
  const [lingerMs, messageBytes, depth] = [fields.u32(), fields.u32(), fields.u8()];
  if (depth < 4 || depth > 128) fields.fail(`has depth ${depth}, not 4 to 128`);
  const [windowMessages, windowBytes, dialNumber] = [fields.u32(), fields.u32(), fields.u64()];
  fields.u16();
  fields.text8(255);
  const mode = fields.u8();
  if (mode > 2) fields.fail(`has mode ${mode}`);
  const claim = mode === 0 ? nothing : readClaim(fields);
  fields.bytes(fields.u32());
  fields.bytes(fields.u16());
  const unsigned = body.subarray(0, fields.at);
  const mac = mode === 0 ? undefined : fields.bytes(32);
  fields.end();
  const terms = { versionMin, versionMax, features, lingerMs, messageBytes, windowMessages, windowBytes };
  return { body, ...terms, dialNumber, mode, ...claim, unsigned, mac };
}

const nothing = { id: '', epoch: 0, orderedReceived: 0, cursor: 0, directReceived: 0 };

function readClaim(fields: Fields) {
  const id = fields.text8(64);
  if (id === '') fields.fail('claims no id');
  const epoch = fields.u64();
  if (epoch < 1) fields.fail('claims epoch 0');
  const [orderedReceived, cursor, directReceived] = [fields.u64(), fields.u64(), fields.u64()];
  if (cursor > orderedReceived) fields.fail(`has cursor ${cursor} above orderedReceived ${orderedReceived}`);
  return { id, epoch, orderedReceived, cursor, directReceived };
}
