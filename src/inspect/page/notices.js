/**
 * What the page must say of itself: that its line to the hub is lost and when it tries again, that it is back, that frames were
 * left out, that a request failed. The line's notice stays as long as it is true, the others for some seconds.
 * @import { Live } from './live.js'
 */
import { html, setText } from './dom.js';
import { countText, spanText } from './format.js';

const STAY_MS = 8_000;
const TICK_MS = 250;

/**
 * Shows notices inside `place`, and the status in `pill`, for as long as the page lives.
 * @param {{ readonly live: Live, readonly place: HTMLElement, readonly pill: HTMLElement }} needs
 */
export function showNotices({ live, place, pill }) {
  const words = html('span', { role: 'status' });
  const wait = html('span', { class: 'wait', 'aria-hidden': 'true' });
  const retry = html('button', { type: 'button' }, 'Try now');
  const lost = html('div', { class: 'notice is-lost', hidden: true }, words, wait, retry);
  place.append(lost);
  retry.addEventListener('click', () => live.retry());

  /** @type {number | undefined} */
  let lostAtMs;
  live.watch((status) => {
    setText(
      pill,
      status.type === 'live'
        ? 'live'
        : lostAtMs === undefined && status.type === 'connecting'
          ? 'connecting'
          : 'reconnecting',
    );
    pill.setAttribute('data-status', status.type);
    document.documentElement.classList.toggle('is-stale', status.type !== 'live' && lostAtMs !== undefined);
    if (status.type === 'waiting') {
      lostAtMs ??= status.lostAtMs;
      document.documentElement.classList.add('is-stale');
      setText(pill, 'reconnecting');
      setText(words, 'The line to the hub is lost. What is shown here is from before.');
      lost.hidden = false;
    } else if (status.type === 'live') {
      lost.hidden = true;
      if (lostAtMs !== undefined) tell(place, `The line to the hub is back after ${spanText(Date.now() - lostAtMs)}.`);
      lostAtMs = undefined;
    }
  });
  setInterval(() => {
    const { status } = live;
    setText(
      wait,
      status.type === 'waiting'
        ? `Next try in ${spanText(Math.ceil(Math.max(0, status.retryAtMs - Date.now()) / 1000) * 1000)}`
        : 'Trying…',
    );
  }, TICK_MS);

  let missedCount = 0;
  live.on('missed', ({ count }) => {
    missedCount += count;
    tell(
      place,
      `This page was too slow for the hub: ${countText(missedCount)} frames were left out, oldest first.`,
      'missed',
    );
  });
  live.on('failed', ({ message }) => tell(place, `The hub could not do that: ${message}`));
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 * @param {string} [kind] a notice of the same kind is replaced
 */
function tell(place, text, kind) {
  if (kind !== undefined) place.querySelector(`[data-kind="${kind}"]`)?.remove();
  const close = html('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss' }, '×');
  const notice = html('div', { class: 'notice', role: 'status', 'data-kind': kind }, html('span', {}, text), close);
  close.addEventListener('click', () => notice.remove());
  place.append(notice);
  setTimeout(() => notice.remove(), STAY_MS);
}
