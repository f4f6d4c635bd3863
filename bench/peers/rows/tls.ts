/** What TLS and checksums cost a stream of small messages to the server: Homing with and without, beside a bare socket. */
import { Authority } from '#testing/certificates';
import { type Measured, ofRounds } from '../../table.ts';
import { ratios } from '../../statistics.ts';
import { type PeerRow, type Rounds, compare, hold } from '../contest.ts';
import { Pair, type Streamed } from '../pair.ts';

const scales = {
  full: { rounds: 9, milliseconds: 1_000, warmMs: 2_000 },
  quick: { rounds: 3, milliseconds: 400, warmMs: 500 },
};

interface Variant {
  readonly contestant: string;
  readonly hasTls: boolean;
  readonly hasChecksum: boolean;
}

const variants: Readonly<Record<string, Variant>> = {
  homing: { contestant: 'homing', hasTls: false, hasChecksum: false },
  plain: { contestant: 'plain', hasTls: false, hasChecksum: false },
  'homing, checksum': { contestant: 'homing', hasTls: false, hasChecksum: true },
  'homing, TLS': { contestant: 'homing', hasTls: true, hasChecksum: false },
  'plain, TLS': { contestant: 'plain', hasTls: true, hasChecksum: false },
  'homing, TLS and checksum': { contestant: 'homing', hasTls: true, hasChecksum: true },
};

/** 90 bytes, one connection. */
export const tls: PeerRow = async (run) => {
  const { rounds, milliseconds, warmMs } = scales[run.scale];
  const authority = new Authority('Benchmark');
  const credential = authority.issue({ name: 'server', hosts: ['localhost'], addresses: ['127.0.0.1'] });
  const reached = await hold(run, Object.keys(variants), {
    rounds,
    async open(name) {
      const { contestant = name, hasTls = false, hasChecksum = false } = variants[name] ?? {};
      const pair = await Pair.open(contestant, { tls: hasTls ? credential : undefined, hasChecksum });
      await pair.connect(1, { ca: hasTls ? authority.cert : undefined, hasChecksum });
      return pair;
    },
    warm: (pair) => pair.stream({ direction: 'up', bytes: 90, milliseconds: warmMs }),
    slice: (pair) => pair.stream({ direction: 'up', bytes: 90, milliseconds }),
  });
  const value = ({ rate }: Streamed): number => rate;
  const what = 'stream 90 B to the server';
  return [
    ...compare({ what: `${what}, without TLS`, unit: '/s' }, beside(reached, 'homing', 'plain'), { value }),
    ...compare({ what: `${what}, with TLS`, unit: '/s' }, beside(reached, 'homing, TLS', 'plain, TLS'), { value }),
    share(reached, 'homing, checksum', 'homing', `${what}: with a checksum ÷ without`),
    share(reached, 'homing, TLS', 'homing', `${what}: with TLS ÷ without`),
    share(reached, 'homing, TLS and checksum', 'homing, TLS', `${what}: with TLS and a checksum ÷ with TLS`),
  ];
};

function beside(reached: Rounds<Streamed>, homing: string, plain: string): Rounds<Streamed> {
  return new Map([
    ['homing', reached.get(homing) ?? []],
    ['plain', reached.get(plain) ?? []],
  ]);
}

function share(reached: Rounds<Streamed>, one: string, other: string, what: string): Measured {
  const rates = (name: string): number[] => (reached.get(name) ?? []).map(({ rate }) => rate);
  return { ...ofRounds(what, ratios(rates(one), rates(other)), ''), contestant: 'homing' };
}
