/** A call into native code that nothing can interrupt: it lasts until the test lets go of it. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';

/** Stops this thread in one native call, until the door at this port is let go. */
export function sitInNativeCode(tcpPort: number): void {
  const program = `require('node:net').connect(${tcpPort}, '127.0.0.1').resume()`;
  execFileSync(process.execPath, ['-e', program], { stdio: 'ignore' });
}

/** The test's side of it. */
export interface NativeDoor {
  readonly tcpPort: number;
  /** Resolves once a thread sits in its native call. */
  readonly entered: Promise<void>;
  /** Lets it go. */
  release(): void;
}

/** Opens a door that one thread can sit behind. */
export async function openNativeDoor(): Promise<NativeDoor> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  let socket: Socket | undefined;
  const entered = once(server, 'connection').then(([connected]) => {
    socket = connected as Socket;
    server.close();
  });
  return {
    tcpPort: (server.address() as AddressInfo).port,
    entered,
    release: () => socket?.end(),
  };
}
