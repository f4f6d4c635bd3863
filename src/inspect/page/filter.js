/**
 * The filter line of the fleet: words and `key=value` pairs, quoted where they have spaces. `shard`, `machine` and `state`
 * say where a connection stands; any other key is one of the session's store (`store.state=…` where the names collide).
 * @import { RowQuery } from '../frames.ts'
 */

const places = /** @type {const} */ (['shard', 'machine', 'state']);
/** @typedef {typeof places[number]} Place */

/** @typedef {{ readonly key: string | undefined, readonly value: string }} Token */

const tokenPattern = /(?:([\w.-]+)=)?(?:"([^"]*)"?|(\S+))/g;

/**
 * What a filter line asks for. Words that stand apart are one search, with their spaces.
 * @param {string} text
 * @returns {RowQuery}
 */
export function queryOf(text) {
  /** @type {Record<string, string>} */
  const filter = {};
  /** @type {Partial<Record<Place, string>>} */
  const where = {};
  /** @type {string[]} */
  const words = [];
  for (const { key, value } of tokensOf(text)) {
    if (key === undefined) words.push(value);
    else if (isPlace(key)) where[key] = value;
    else filter[key.startsWith('store.') ? key.slice('store.'.length) : key] = value;
  }
  return {
    ...where,
    ...(Object.keys(filter).length === 0 ? {} : { filter }),
    ...(words.length === 0 ? {} : { search: words.join(' ') }),
  };
}

/**
 * The line with these pairs instead of what it says of their keys; a pair without a value is taken out.
 * @param {string} text
 * @param {Readonly<Record<string, string | undefined>>} pairs
 */
export function withPairs(text, pairs) {
  const rest = tokensOf(text).filter(({ key }) => key === undefined || !Object.hasOwn(pairs, key));
  const given = Object.entries(pairs).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]));
  return [...rest.filter(({ key }) => key !== undefined), ...given, ...rest.filter(({ key }) => key === undefined)]
    .map(wordOf)
    .join(' ');
}

/**
 * @param {string} text
 * @returns {Token[]}
 */
function tokensOf(text) {
  return [...text.matchAll(tokenPattern)].map(([, key, quoted, plain]) => ({ key, value: quoted ?? plain ?? '' }));
}

/** @param {Token} token */
function wordOf({ key, value }) {
  const written = /^[^\s"=]+$/.test(value) ? value : `"${value.replaceAll('"', '')}"`;
  return key === undefined ? written : `${key}=${written}`;
}

/**
 * @param {string} key
 * @returns {key is Place}
 */
function isPlace(key) {
  return places.some((place) => place === key);
}
