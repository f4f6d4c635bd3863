/** What a cryptographic library has to be for the proof that both ends know a secret. */
import type { Secrets } from '../../session/proof.ts';
import { Draws } from '../draws.ts';
import { type ContractCase, must, same } from './case.ts';

/** Cryptography under test. */
export interface SecretsAdapter {
  readonly secrets: Secrets;
  /** It stands in for HMAC-SHA-256 where nobody attacks: the case with the known signatures is left out. */
  readonly isDouble?: boolean;
}

/** The cases for cryptography. That a comparison takes the same time whatever it compares no test of this kind can tell. */
export function secretsContract({ secrets, isDouble = false }: SecretsAdapter): readonly ContractCase[] {
  return demands
    .filter(({ id }) => id !== 'known' || !isDouble)
    .map(({ id, title, play }) => ({
      id: `secrets-${id}`,
      title: `cryptography ${title}`,
      run: () => Promise.resolve(secrets).then(play),
    }));
}

interface Demand {
  readonly id: string;
  readonly title: string;
  readonly play: (secrets: Secrets) => void;
}

/** RFC 4231, test cases 1, 2 and 6: the third key is longer than a block of the hash. */
const known = [
  [new Uint8Array(20).fill(0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    new TextEncoder().encode('Jefe'),
    'what do ya want for nothing?',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    new Uint8Array(131).fill(0xaa),
    'Test Using Larger Than Block-Size Key - Hash Key First',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
] as const;

const demands: readonly Demand[] = [
  {
    id: 'known',
    title: 'signs as HMAC-SHA-256 does (RFC 4231)',
    play(secrets) {
      for (const [key, text, wanted] of known) {
        const signature = secrets.sign(key, new TextEncoder().encode(text));
        same(`the signature of '${text}'`, Buffer.from(signature).toString('hex'), wanted);
      }
    },
  },
  {
    id: 'parts',
    title: 'signs the parts one after another, however they are cut, in 32 bytes that are the caller’s',
    play(secrets) {
      const draws = new Draws(1, 'secrets');
      const [secret, text] = [draws.bytes(32), draws.bytes(200)];
      const whole = secrets.sign(secret, text);
      const kept = whole.slice();
      same('the bytes of a signature', whole.length, 32);
      for (const at of [0, 1, 64, 199, 200]) {
        same(
          `the signature of two parts cut at ${at}`,
          hexOf(secrets.sign(secret, text.subarray(0, at), text.subarray(at))),
          hexOf(kept),
        );
      }
      secrets.sign(draws.bytes(32), draws.bytes(10));
      same('a signature after another was made', hexOf(whole), hexOf(kept));
    },
  },
  {
    id: 'differs',
    title: 'signs otherwise with another secret and another text, be it by a bit',
    play(secrets) {
      const draws = new Draws(2, 'secrets');
      const [secret, text] = [draws.bytes(32), draws.bytes(40)];
      const signatures = new Set([hexOf(secrets.sign(secret, text))]);
      for (let bit = 0; bit < 256; bit += 1) signatures.add(hexOf(secrets.sign(turned(secret, bit), text)));
      for (let bit = 0; bit < 320; bit += 1) signatures.add(hexOf(secrets.sign(secret, turned(text, bit))));
      same('the different signatures', signatures.size, 1 + 256 + 320);
    },
  },
  {
    id: 'equal',
    title: 'calls bytes equal that are, and no others: one bit, a byte less or more, none',
    play(secrets) {
      const bytes = new Draws(3, 'secrets').bytes(32);
      must(secrets.equal(bytes, bytes.slice()), 'expected a copy to be equal');
      must(secrets.equal(new Uint8Array(0), new Uint8Array(0)), 'expected nothing to be equal to nothing');
      for (let bit = 0; bit < 256; bit += 1) {
        must(!secrets.equal(bytes, turned(bytes, bit)), `expected bytes that differ in bit ${bit} not to be equal`);
      }
      for (const other of [bytes.subarray(0, 31), Uint8Array.of(...bytes, 0), new Uint8Array(0)]) {
        must(!secrets.equal(bytes, other), 'expected bytes of another length not to be equal');
        must(!secrets.equal(other, bytes), 'expected bytes of another length not to be equal');
      }
    },
  },
];

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A copy with one bit the other way. */
function turned(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}
