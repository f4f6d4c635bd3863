/**
 * Where everything of a chart lies, worked out once for each definition: words are measured with the page's own fonts, and the
 * layout engine does the rest.
 * @import { MachineConfig } from '../frames.ts'
 * @import { Chart } from './machine.js'
 * @import { Placed } from './layout.js'
 */
import { elkGraphOf, placedOf } from './layout.js';

/** @type {Map<string, Promise<Placed>>} */
const layouts = new Map();
/** @type {CanvasRenderingContext2D | null} */
let canvas = null;
/** @type {Promise<ELK> | undefined} */
let loading;

/**
 * The places of a chart's parts.
 * @param {Chart} chart
 * @param {MachineConfig} config the same config has the same layout
 */
export function layoutOf(chart, config) {
  const key = JSON.stringify(config);
  const known = layouts.get(key);
  if (known !== undefined) return known;
  const made = engine()
    .then((elk) => elk.layout(elkGraphOf(chart, measureOf())))
    .then((answer) => placedOf(chart, answer));
  layouts.set(key, made);
  return made;
}

/** Loads the layout engine when the first chart asks: it is large, and the numbers of a fleet need not wait for it. */
function engine() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = 'elk.js';
    script.addEventListener('load', () => resolve(new ELK()));
    script.addEventListener('error', () =>
      reject(new Error('expected the layout engine at elk.js, it could not be loaded')),
    );
    document.head.append(script);
  });
  return loading;
}

/** Measures words with the fonts of the style sheet. */
function measureOf() {
  canvas ??= document.createElement('canvas').getContext('2d');
  const family = getComputedStyle(document.body).fontFamily;
  /** @param {string} font */
  const widthIn = (font) => (/** @type {string} */ text) => {
    if (canvas === null) return text.length * 8;
    canvas.font = `${font} ${family}`;
    return canvas.measureText(text).width;
  };
  return { name: widthIn('600 13px'), label: widthIn('500 10.5px') };
}
