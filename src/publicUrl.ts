/** Where this script lies. Not written out below: there, Vite would look for a file of that name when it builds. */
const HERE = import.meta.url;

/**
 * Address of a file of `public`, for pages and workers alike, wherever the app is served: also in a folder of a host.
 *
 * @param path below `public`, e.g. `parser/english-ewt.bin`
 */
export function publicUrl(path: string): string {
  // A build that may lie anywhere says './', from the page's view; scripts lie in `assets`, one below.
  const base = import.meta.env.BASE_URL;
  return new URL(`${base === './' ? '../' : base}${path}`, HERE).href;
}
