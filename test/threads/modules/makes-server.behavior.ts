/** A module that makes its server beside its behavior, which no other thread may do again. */
import { createServer, defineBehavior } from 'homing';

const behavior = defineBehavior({ module: import.meta.url, tasks: { any: () => 1 }, start() {} });

createServer(behavior, { shards: 0 });

export default behavior;
