/** Where the file of a thread's task lies: beside this one, as TypeScript in the source tree and as JavaScript once built. */
export function entryUrl(name: 'shard-entry' | 'offload-entry'): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}
