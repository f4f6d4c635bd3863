/** The service. Run it, then client.ts; another port than 4652 as an argument (0 takes a free one). */
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'homing';
import type { Films } from './contract.ts';

const PARTS = 5;

const server = createServer<Films>((session) => {
  session.expose({
    async render(title, onPart) {
      const { signal } = session.turn; // aborted when the caller gives up
      for (let part = 1; part <= PARTS; part++) {
        await sleep(40, undefined, { signal });
        await onPart(part, PARTS);
      }
      return title.length * 60;
    },
    async *frames(title) {
      try {
        for (let number = 1; ; number++) yield { number, at: new Date(number * 40) };
      } finally {
        console.log(`nobody takes frames of ${title} any more`);
      }
    },
    order: (title) => ({ cancel: () => `${title} is not ordered any more` }),
  });
});
const { port } = await server.listen(Number(process.argv[2] ?? 4652));
process.once('SIGTERM', () => void server.close());
console.log(`films are rendered at 127.0.0.1:${port}`);
