/** An entry whose loading never ends; it says so when it begins. */
new BroadcastChannel('spins while it loads').postMessage('begun');
for (;;);
