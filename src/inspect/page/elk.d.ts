/** The layout engine that `elk.js` leaves on the window once it is loaded; it runs in the page's own thread. */
import type { ElkNode } from './layout.js';

declare global {
  class ELK {
    layout(graph: ElkNode): Promise<ElkNode>;
  }
}
