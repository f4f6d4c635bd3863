/**
 * Stately's stock receiver in a process of its own, as Node resolves it: it prints each frame as a line of JSON. Argument: the
 * address of the WebSocket.
 */
import { createWebSocketReceiver } from '@statelyai/inspect';

const [, , server = ''] = process.argv;
createWebSocketReceiver({ server }).subscribe((event) => console.log(JSON.stringify(event)));
