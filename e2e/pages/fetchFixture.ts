/**
 * Reads a file of `reference/fixtures`, which the test pages are served with.
 * @throws it is not there
 */
export async function fetchFixture(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
