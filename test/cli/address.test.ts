import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, portOf, writtenAddress } from '../../src/cli/address.ts';

describe('an address on the command line', () => {
  it.each([
    ['5555', { host: '127.0.0.1', port: 5555 }],
    ['example.org:80', { host: 'example.org', port: 80 }],
    ['127.0.0.1:65535', { host: '127.0.0.1', port: 65_535 }],
    ['[::1]:1', { host: '::1', port: 1 }],
  ])('%s is understood', (text, address) => {
    expect(addressOf(text)).toEqual(address);
  });

  it.each([
    '',
    'host',
    'host:',
    ':80',
    'host:0',
    'host:65536',
    '::1:80',
    '[::1]',
    '[]:80',
    'a b:80',
    'a/b:80',
    '-1',
    '1.5',
  ])("'%s' is not", (text) => {
    expect(addressOf(text)).toBeUndefined();
  });

  it('is read again as it was written', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) }), (address) => {
        expect(addressOf(writtenAddress(address))).toEqual(address);
      }),
    );
  });

  it.each(['0', '65536', '1e3', '0x50', ' 80', '80 ', ''])("has no port '%s'", (text) => {
    expect(portOf(text)).toBeUndefined();
  });
});
