/**
 * A page that shows Stately's own inspector, fed by this one: its site in a frame, and a script that hands frames on. It needs
 * the internet, as that site does; nothing but what is watched is sent there, from the browser of who looks.
 */

const SITE = 'https://stately.ai';

/** The page. */
export const statelyPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Homing in Stately's inspector</title>
    <link rel="stylesheet" href="/stately.css">
  </head>
  <body>
    <iframe id="inspector" title="Stately inspector" src="${SITE}/inspect"></iframe>
    <script type="module" src="/stately.js"></script>
  </body>
</html>
`;

/** Its looks. */
export const statelyStyle = `html, body { height: 100%; margin: 0; }
iframe { width: 100%; height: 100%; border: 0; }
`;

/** Its script: frames wait until the site says that it is there. */
export const statelyScript = `const frame = document.querySelector('#inspector');
const waiting = [];
let isThere = false;

window.addEventListener('message', ({ data, origin }) => {
  if (origin !== '${SITE}' || data?.type !== '@statelyai.connected') return;
  isThere = true;
  for (const each of waiting.splice(0)) frame.contentWindow.postMessage(each, '${SITE}');
});

const address = new URL('/stately', location.href);
address.protocol = 'ws:';
address.search = location.search;
new WebSocket(address).addEventListener('message', ({ data }) => {
  const each = JSON.parse(data);
  if (isThere) frame.contentWindow.postMessage(each, '${SITE}');
  else waiting.push(each);
});
`;
