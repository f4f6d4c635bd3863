/** A strict reader of Prometheus' text exposition format 0.0.4: anything that is not exactly in the format throws. */

/** A metric as it was read. */
export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/u;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/u;

/** Reads a whole answer to a scrape. */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('expected the last line to end with a line feed');
  const families = new Map<string, { help: string; type: string; samples: Family['samples'][number][] }>();
  const seen = new Set<string>();
  let open = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/u.exec(line) ?? [];
    if (word === 'HELP') {
      if (families.has(name) || !NAME.test(name)) throw new Error(`expected a new metric: ${line}`);
      if (/\\(?![\\n])/u.test(rest)) throw new Error(`expected escapes of help to be \\\\ and \\n: ${line}`);
      families.set(name, { help: rest, type: '', samples: [] });
      open = name;
    } else if (word === 'TYPE') {
      const family = families.get(name);
      if (name !== open || family === undefined || family.type !== '' || family.samples.length > 0)
        throw new Error(`expected one TYPE right after its HELP: ${line}`);
      if (!/^(?:counter|gauge|histogram|summary|untyped)$/u.test(rest)) throw new Error(`expected a type: ${line}`);
      family.type = rest;
    } else {
      const { name: of, labels, value } = readSample(line);
      const family = families.get(of);
      if (of !== open || family === undefined) throw new Error(`expected samples of one metric together: ${line}`);
      const key = JSON.stringify([
        of,
        Object.keys(labels)
          .toSorted()
          .map((label) => [label, labels[label]]),
      ]);
      if (seen.has(key)) throw new Error(`expected each series once: ${line}`);
      seen.add(key);
      family.samples.push({ labels, value });
    }
  }
  return families;
}

function readSample(line: string): { name: string; labels: Record<string, string>; value: number } {
  const [, name = '', inside, number = ''] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/u.exec(line) ?? [];
  if (!NAME.test(name)) throw new Error(`expected a sample: ${line}`);
  if (!VALUE.test(number)) throw new Error(`expected a value: ${line}`);
  const labels = inside === undefined ? {} : readLabels(inside, line);
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) };
}

function readLabels(inside: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = inside;
  while (rest !== '') {
    const [whole = '', label = '', quoted = ''] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/u.exec(rest) ?? [];
    if (whole === '' || label in labels) throw new Error(`expected labels, each once: ${line}`);
    labels[label] = quoted.replaceAll(/\\(.)/gu, (_, letter: string) => (letter === 'n' ? '\n' : letter));
    rest = rest.slice(whole.length);
  }
  return labels;
}
