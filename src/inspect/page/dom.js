/** Makes elements and changes them with as little as needed: a text or attribute that is the same already is not written. */

const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {Node | string | undefined} Child */

/**
 * An HTML element with attributes (`true` sets an empty one, `undefined` none) and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number | true | undefined>>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(name, value === true ? '' : String(value));
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number | undefined>>} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(name, String(value));
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/**
 * Writes a text where it differs.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  const inner = node.firstChild;
  if (inner instanceof Text && node.childNodes.length === 1) {
    if (inner.data !== text) inner.data = text;
  } else node.textContent = text;
}

/**
 * Writes an attribute where it differs; `undefined` takes it away.
 * @param {Element} element
 * @param {string} name
 * @param {string | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`expected an element with the id ${id}, found none`);
  return element;
}

/**
 * Arrow heads for the ends of lines, by their ids.
 * @param {readonly { readonly id: string, readonly class: string }[]} heads
 * @returns {SVGDefsElement}
 */
export function arrowHeads(heads) {
  const box = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7 };
  const markers = heads.map((head) =>
    svg(
      'marker',
      { ...head, ...box, markerUnits: 'userSpaceOnUse', orient: 'auto' },
      svg('path', { d: 'M0 0.8L7.4 4L0 7.2Z' }),
    ),
  );
  return svg('defs', {}, ...markers);
}
