import { expect, it } from 'vitest';
import { junitOf } from '../../../src/conformance/junit.ts';
import type { Case } from '../../../src/conformance/steps.ts';
import type { Outcome, Result } from '../../../src/conformance/suite.ts';

function resultOf(outcome: Outcome, why: string, step = 0): Result {
  const given: Case = {
    id: 'X-01',
    level: outcome === 'warned' ? 'SHOULD' : 'MUST',
    section: 2,
    demand: 'A "frame" is < 10 & > 5.',
    steps: [{ role: 'expects', says: 'CLOSE', run: () => {} }],
  };
  return { case: given, group: 'framing', outcome, why, step, tookMs: 1_234.5 };
}

it('a report as JUnit has what failed as failures and the rest as skipped, and holds any character', () => {
  const results = [
    resultOf('passed', ''),
    resultOf('failed', 'expected <a>, got \u0000 and "b"', 1),
    resultOf('warned', 'too late', 1),
    resultOf('skipped', 'no checksums'),
  ];
  const name = '"X-01 MUST (section 2) A &quot;frame&quot; is &lt; 10 &amp; &gt; 5."';
  expect(junitOf(results, 'here').split('\n')).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="homing conformance here" tests="4" failures="1" errors="0" skipped="2" time="4.938">',
    '  <testsuite name="framing" tests="4" failures="1" errors="0" skipped="2" time="4.938">',
    `    <testcase classname="conformance.framing" name=${name} time="1.234"/>`,
    `    <testcase classname="conformance.framing" name=${name} time="1.234"><failure message="expected &lt;a&gt;, got \ufffd and &quot;b&quot;">at 1 of 1, CLOSE: expected &lt;a&gt;, got \ufffd and &quot;b&quot;</failure></testcase>`,
    `    <testcase classname="conformance.framing" name=${name.replace('MUST', 'SHOULD')} time="1.234"><skipped message="a SHOULD that does not hold: at 1 of 1, CLOSE: too late"/></testcase>`,
    `    <testcase classname="conformance.framing" name=${name} time="1.234"><skipped message="no checksums"/></testcase>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ]);
});
