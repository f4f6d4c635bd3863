/** The transport of this example as the contract wants it: connections one by one, and a way to break them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TransportAdapter } from 'homing/testing';
import { accepted, upgrade } from './upgrade.ts';

/** Sessions through HTTP upgrades. */
export const upgrades: TransportAdapter = {
  failing: () => upgrade('http://127.0.0.1:1'),
  async pair() {
    let end: Duplex | undefined;
    const { promise, resolve } = Promise.withResolvers<Duplex>();
    const site = createServer();
    site.on('upgrade', (asked, line, first) => {
      end = accepted(asked, line, first);
      if (end !== undefined) resolve(end);
    });
    await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
    return {
      createConnection: () => upgrade(`http://127.0.0.1:${(site.address() as AddressInfo).port}`),
      accepted: () => promise,
      cut: () => void end?.destroy(),
      async [Symbol.asyncDispose]() {
        end?.destroy();
        await new Promise((closed) => site.close(closed));
      },
    };
  },
};
