/** A program whose shards cannot load their behavior: it is told, and must then end by itself. */
import { createServer } from 'homing';

const server = createServer(new URL('../modules/throws.behavior.ts', import.meta.url), { shards: 2 });
server.on('error', () => {});
try {
  await server.listen(0);
} catch (error) {
  console.log((error as { code: string }).code);
}
