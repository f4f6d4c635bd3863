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

  test('with tls is refused rather than served without, and its key is not in the error', () => {
    const where = { port: 80, tls: { key: 'the private key', passphrase: 'open sesame' } };
    const error = thrownBy(() => parseAddress(where));
    expect(error.code).toBe('BadAddress');
    expect(error.message).toContain('tls');
    for (const broken of [
      { ...where, port: -1 },
      { ...where, port: undefined },
      { ...where, path: 'x' },
    ]) {
      const { message } = thrownBy(() => parseAddress(broken as never));
      expect(message).not.toMatch(/private key|sesame/);
    }
  });
});
