import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../../src/transports/address.ts';
import { thrownBy } from '../../loopback/world.ts';

describe('an address', () => {
  test.each([
    [0, { type: 'tcp', host: '127.0.0.1', port: 0 }],
    [65_535, { type: 'tcp', host: '127.0.0.1', port: 65_535 }],
    ['5555', { type: 'tcp', host: '127.0.0.1', port: 5_555 }],
    ['localhost:80', { type: 'tcp', host: 'localhost', port: 80 }],
    ['LOCALHOST:80', { type: 'tcp', host: 'LOCALHOST', port: 80 }],
    ['127.8.9.1:80', { type: 'tcp', host: '127.8.9.1', port: 80 }],
    ['[::1]:80', { type: 'tcp', host: '::1', port: 80 }],
    ['::1:80', { type: 'tcp', host: '::1', port: 80 }],
    ['a.sock', { type: 'path', path: 'a.sock' }],
    ['./a:80', { type: 'path', path: './a:80' }],
    ['pipe\\a:80', { type: 'path', path: 'pipe\\a:80' }],
    ['localhost:', { type: 'path', path: 'localhost:' }],
    ['localhost:http', { type: 'path', path: 'localhost:http' }],
    ['-1', { type: 'path', path: '-1' }],
    [{ port: 80 }, { type: 'tcp', host: '127.0.0.1', port: 80 }],
    [
      { port: 80, host: '::ffff:127.0.0.1' },
      { type: 'tcp', host: '::ffff:127.0.0.1', port: 80 },
    ],
    [
      { port: 80, host: 'a.example', insecure: true },
      { type: 'tcp', host: 'a.example', port: 80 },
    ],
    [{ path: 'a:80' }, { type: 'path', path: 'a:80' }],
  ])('%j is parsed (D2, D16)', (where, address) => {
    expect(parseAddress(where)).toEqual(address);
  });

  test.each([
    [-1],
    [65_536],
    [1.5],
    [Number.NaN],
    [Infinity],
    ['65536'],
    ['localhost:65536'],
    ['99999999999999999999'],
    [''],
    [{}],
    [{ host: 'localhost' }],
    [{ port: '80' }],
    [{ port: 80, path: 'a' }],
    [{ path: '' }],
    [{ path: 5 }],
    [{ path: 'a\0b' }],
    [{ port: 80, host: 5 }],
    [{ port: 80, host: '' }],
    [null],
    [undefined],
    [true],
    [() => 80],
    [Symbol('port')],
  ])('%j is none', (where) => {
    expect(thrownBy(() => parseAddress(where as never))).toMatchObject({
      name: 'HomingError',
      code: 'BadAddress',
      retry: false,
    });
  });

  test('that cannot even be shown is none', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    for (const where of [{ port: 5n }, cyclic, Object.create(null)]) {
      expect(thrownBy(() => parseAddress(where as never))).toMatchObject({ code: 'BadAddress' });
    }
  });

  test.each([
    ['a.example:80'],
    ['10.0.0.1:80'],
    ['127.0.0.1.example:80'],
    ['0.0.0.0:80'],
    ['[::]:80'],
    [{ port: 80, host: 'a.example' }],
    [{ port: 80, host: 'a.example', insecure: false }],
  ])('%j goes over a network, which has to be said out loud', (where) => {
    const error = thrownBy(() => parseAddress(where));
    expect(error).toMatchObject({ code: 'InsecureHost' });
    expect(error.message).toContain('insecure: true');
  });

  const tls = { ca: 'an authority' };
  const otherTls = { ca: 'another authority' };

  test.each([
    ['a.example:80', { tls }, { type: 'tcp', host: 'a.example', port: 80, tls }],
    [80, { tls }, { type: 'tcp', host: '127.0.0.1', port: 80, tls }],
    ['80', { tls }, { type: 'tcp', host: '127.0.0.1', port: 80, tls }],
    ['a.sock', { tls }, { type: 'path', path: 'a.sock', tls }],
    [{ path: 'a.sock', tls }, {}, { type: 'path', path: 'a.sock', tls }],
    [{ port: 80, host: 'a.example', tls }, {}, { type: 'tcp', host: 'a.example', port: 80, tls }],
    [{ port: 80, tls: otherTls }, { tls }, { type: 'tcp', host: '127.0.0.1', port: 80, tls: otherTls }],
    ['a.example:80', { insecure: true }, { type: 'tcp', host: 'a.example', port: 80 }],
    [{ host: 'a.example', port: 80 }, { insecure: true }, { type: 'tcp', host: 'a.example', port: 80 }],
  ])('%j takes from the options %j what it does not say itself', (where, defaults, address) => {
    expect(parseAddress(where, defaults)).toEqual(address);
  });

  test('can be secured where the options say insecure', () => {
    const where = { port: 80, host: 'a.example', insecure: false };
    expect(thrownBy(() => parseAddress(where, { insecure: true }))).toMatchObject({ code: 'InsecureHost' });
  });

  test.each([[true], [false], ['a key'], [null], [[]], [() => ({})]])('with %j for tls is a wrong option', (wrong) => {
    for (const parse of [
      () => parseAddress({ port: 80, tls: wrong as never }),
      () => parseAddress(80, { tls: wrong as never }),
    ]) {
      const error = thrownBy(parse);
      expect(error).toMatchObject({ code: 'BadOption' });
      expect(error.message).not.toContain('a key');
    }
  });

  test('that is bad tells nothing of the keys beside it', () => {
    const secret = { key: 'the private key', passphrase: 'open sesame' };
    for (const broken of [
      { port: -1, tls: secret },
      { tls: secret },
      { port: 80, path: 'x', tls: secret },
      { port: secret, tls: secret },
    ]) {
      const { message } = thrownBy(() => parseAddress(broken as never));
      expect(message).not.toMatch(/private key|sesame/);
    }
  });

  test.each([
    [
      { port: 80, direct: false },
      { type: 'tcp', host: '127.0.0.1', port: 80, direct: false },
    ],
    [
      { port: 80, direct: { ports: [81] } },
      { type: 'tcp', host: '127.0.0.1', port: 80, direct: { ports: [81] } },
    ],
    [
      { port: 80, host: '::1', direct: { ports: [0, 0, 82] } },
      { type: 'tcp', host: '::1', port: 80, direct: { ports: [0, 0, 82] } },
    ],
    [
      { path: 'a', direct: false },
      { type: 'path', path: 'a', direct: false },
    ],
  ] as const)('%j is parsed with its direct ports', (where, address) => {
    expect(parseAddress(where)).toEqual(address);
  });

  test.each([
    [true],
    [null],
    [81],
    [[81]],
    [{}],
    [{ ports: 81 }],
    [{ ports: [] }],
    [{ ports: [-1] }],
    [{ ports: ['81'] }],
    [{ ports: [81.5] }],
    [{ ports: [81, 65_536] }],
    [{ ports: [81, 82, 81] }],
  ])('%j for direct makes it none', (direct) => {
    expect(thrownBy(() => parseAddress({ port: 80, direct: direct as never }))).toMatchObject({ code: 'BadAddress' });
  });

  test('that is a path has no direct ports', () => {
    const where = { path: 'a', direct: { ports: [81] } };
    expect(thrownBy(() => parseAddress(where))).toMatchObject({ code: 'BadAddress' });
  });
});
