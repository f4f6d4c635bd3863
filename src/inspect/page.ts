/** Files of the page. */
export async function pageFile(
  _path: string,
): Promise<{ readonly type: string; readonly body: string | Uint8Array } | undefined> {
  return undefined;
}
