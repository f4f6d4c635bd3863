import { describe, expect, it } from 'vitest';
import {
  type Finding,
  type Outcome,
  judgeConnect,
  judgeHandOver,
  judgeListen,
  judgeLoop,
  judgeLoopback,
  judgeNode,
  judgeOpenFiles,
  judgePath,
  judgePort,
  judgeThreads,
  worstOf,
} from '../../src/cli/judgements.ts';

const done: Outcome = { type: 'done', tookMs: 1.25 };
const failed = (code: string): Outcome => ({ type: 'failed', code, sentence: `it said ${code}` });

describe('the doctor', () => {
  it.each([
    ['24.20.0', 'ok'],
    ['24.100.1', 'ok'],
    ['25.0.0-nightly', 'ok'],
    ['24.19.9', 'fail'],
    ['20.20.2', 'fail'],
    ['9.99.0', 'fail'],
  ])('calls Node %s %s where 24.20 is needed', (version, status) => {
    const finding = judgeNode(version, '24.20');
    expect(finding.status).toBe(status);
    expect(finding.found).toContain(version);
  });

  it.each([
    [undefined, 'ok', 'no limit'],
    ['unlimited', 'ok', 'without limit'],
    [20_000, 'ok', 'about 19,900 connections'],
    [4_100, 'ok', 'about 4,000 connections'],
    [4_099, 'warn', 'about 3,999 connections'],
    [200, 'warn', 'about 100 connections'],
    [199, 'fail', 'about 99 connections'],
    [20, 'fail', 'about 0 connections'],
  ] as const)('calls %s open files %s', (limit, status, words) => {
    const finding = judgeOpenFiles(limit);
    expect(finding.status).toBe(status);
    expect(finding.found).toContain(words);
  });

  it.each([
    ['listening', judgeListen, 'fail'],
    ['loopback', judgeLoopback, 'fail'],
    ['moving a socket', judgeHandOver, 'fail'],
    ['a Unix path', judgePath, 'warn'],
  ] as const)('takes %s for good when it was done, and repeats what the system said when not', (_, judge, status) => {
    expect(judge(done).status).toBe('ok');
    expect(judge(failed('EPERM'))).toMatchObject({ status, found: 'it said EPERM' });
  });

  it('calls a single thread a thing to know, and more of them good', () => {
    expect(judgeThreads(1).status).toBe('warn');
    expect(judgeThreads(2)).toMatchObject({ status: 'ok', found: '2 can run at once' });
  });

  it('calls an event loop late from 100 ms', () => {
    expect(judgeLoop(99.9).status).toBe('ok');
    expect(judgeLoop(100).status).toBe('warn');
  });

  it.each([
    ['EADDRINUSE', 'end the process that listens there'],
    ['EACCES', 'a port from 1024'],
    ['EINVAL', 'another port'],
  ])('says what to do about a port that gives %s', (code, advice) => {
    expect(judgePort(80, done)).toMatchObject({ status: 'ok', found: '80 is free' });
    expect(judgePort(80, failed(code))).toMatchObject({ status: 'fail', advice: expect.stringContaining(advice) });
  });

  it.each([
    ['ECONNREFUSED', 'start the server'],
    ['ENOTFOUND', 'misspelt'],
    ['EAI_AGAIN', 'DNS'],
    ['ETIMEDOUT', 'firewall'],
  ])('says what to do about an address that gives %s', (code, advice) => {
    const address = { host: '::1', port: 5 };
    expect(judgeConnect(address, done)).toMatchObject({
      status: 'ok',
      found: '[::1]:5 took a TCP connection, in 1.3 ms',
    });
    expect(judgeConnect(address, failed(code))).toMatchObject({
      status: 'fail',
      advice: expect.stringContaining(advice),
    });
  });

  it('gives advice with everything that is not ok, and only with that', () => {
    const outcomes = [done, failed('EPERM')];
    const findings: readonly Finding[] = [
      ...outcomes.flatMap((outcome) => [
        ...[judgeListen, judgeLoopback, judgeHandOver, judgePath].map((judge) => judge(outcome)),
        judgePort(1, outcome),
        judgeConnect({ host: 'a', port: 1 }, outcome),
      ]),
      ...[20, 300, 20_000, undefined].map(judgeOpenFiles),
      ...['24.0.0', '25.0.0'].map((version) => judgeNode(version, '24.20')),
      ...[1, 8].map(judgeThreads),
      ...[0, 200].map(judgeLoop),
    ];
    expect(new Set(findings.map(({ status }) => status))).toEqual(new Set(['ok', 'warn', 'fail']));
    for (const { status, advice } of findings) expect(advice === undefined).toBe(status === 'ok');
  });

  it('is as bad as its worst finding', () => {
    const finding = (status: Finding['status']): Finding => ({ status, check: '', found: '' });
    expect(worstOf([])).toBe('ok');
    expect(worstOf([finding('ok'), finding('warn'), finding('ok')])).toBe('warn');
    expect(worstOf([finding('fail'), finding('warn'), finding('ok')])).toBe('fail');
  });
});
