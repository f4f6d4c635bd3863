/** Takes a stream and says how fast it came, or pours one itself. */
import { defineBehavior } from 'homing';
import { Meter } from './meter.ts';
import type { Streaming } from './contracts.ts';
import { pour } from './pour.ts';
import { obey } from './within.ts';

obey();

export default defineBehavior<Streaming>({
  module: import.meta.url,
  start(session) {
    const meter = new Meter();
    session.on('sample', (value) => meter.take(value.id));
    session.on('end', () => void session.send('total', meter.count, meter.rate()));
    // Beside the handler: a stream is no turn.
    session.on('pour', (milliseconds) => void pour(session, milliseconds));
  },
});
