/** The results of a run as JUnit XML, which most CI servers draw: a suite for each group, a test for each case. */
import { countsOf } from './report.ts';
import type { Result } from './suite.ts';

/**
 * The report as XML. A MUST that does not hold is a failure. A SHOULD that does not hold, and a case that was left out, are
 * skipped, with what was found as the message: JUnit has no third verdict, and neither changes the exit code.
 */
export function junitOf(results: readonly Result[], where: string): string {
  const suites = [...Map.groupBy(results, ({ group }) => group)].map(([group, each]) => suiteOf(group, each));
  const head = `<testsuites name=${quoted(`homing conformance ${where}`)} ${totalsOf(results)}>`;
  return `${['<?xml version="1.0" encoding="UTF-8"?>', head, ...suites, '</testsuites>'].join('\n')}\n`;
}

function suiteOf(group: string, results: readonly Result[]): string {
  return [`  <testsuite name=${quoted(group)} ${totalsOf(results)}>`, ...results.map(testOf), '  </testsuite>'].join(
    '\n',
  );
}

function testOf({ case: each, group, outcome, why, step, tookMs }: Result): string {
  const { id, level, section, demand } = each;
  const name = quoted(`${id} ${level} (section ${section}) ${demand}`);
  const head = `    <testcase classname=${quoted(`conformance.${group}`)} name=${name} time="${secondsOf(tookMs)}"`;
  if (outcome === 'passed') return `${head}/>`;
  const at = each.steps[step - 1];
  const found = at === undefined ? why : `at ${step} of ${each.steps.length}, ${at.says}: ${why}`;
  const verdict =
    outcome === 'failed'
      ? `<failure message=${quoted(why)}>${escaped(found)}</failure>`
      : `<skipped message=${quoted(outcome === 'warned' ? `a SHOULD that does not hold: ${found}` : found)}/>`;
  return `${head}>${verdict}</testcase>`;
}

function totalsOf(results: readonly Result[]): string {
  const { failed, warned, skipped } = countsOf(results);
  const tookMs = results.reduce((sum, result) => sum + result.tookMs, 0);
  const totals = { tests: results.length, failures: failed, errors: 0, skipped: warned + skipped };
  const words = Object.entries(totals).map(([name, count]) => `${name}="${count}"`);
  return [...words, `time="${secondsOf(tookMs)}"`].join(' ');
}

const secondsOf = (ms: number): string => (ms / 1_000).toFixed(3);

const quoted = (text: string): string => `"${escaped(text)}"`;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** What stands for itself in XML; characters that XML cannot hold at all are left out as U+FFFD. */
function escaped(text: string): string {
  const held = text.toWellFormed().replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd');
  return held.replace(/[&<>"]/g, (sign) => entities[sign] ?? sign);
}
