/** Which file each name of a table means. */
export interface FileMatches {
  /** Path of each name's file; null: there is none. In the order of the names. */
  readonly paths: readonly (string | null)[];
  /** Names that more than one file could be meant by. */
  readonly ambiguous: readonly string[];
  /** Files that no name means. */
  readonly unused: readonly string[];
}

/**
 * Finds the file that each name means: the path itself, else the only path that ends with it, both also without the file's
 * extension, where the table leaves it out; upper and lower case do not count.
 *
 * @param names as a table has them, a folder before them or not
 * @param paths of the files there are, relative to the folder chosen
 */
export function matchFiles(names: readonly string[], paths: readonly string[]): FileMatches {
  /** Every way a file may be called, with the files called so. */
  const called = new Map<string, Set<string>>();
  for (const path of paths) {
    const parts = normal(path).split('/');
    for (let from = 0; from < parts.length; from++) {
      const tail = parts.slice(from).join('/');
      for (const name of new Set([tail, withoutExtension(tail)])) {
        const files = called.get(name);
        if (files) files.add(path);
        else called.set(name, new Set([path]));
      }
    }
  }
  const ambiguous: string[] = [];
  const found = names.map((name) => {
    const files = [...(called.get(normal(name)) ?? [])];
    const exact = files.filter((path) => [normal(path), withoutExtension(normal(path))].includes(normal(name)));
    const best = exact.length > 0 ? exact : files;
    if (best.length > 1) ambiguous.push(name);
    return best.length === 1 ? (best[0] as string) : null;
  });
  const used = new Set(found);
  return { paths: found, ambiguous, unused: paths.filter((path) => !used.has(path)) };
}

function normal(path: string): string {
  return path
    .replaceAll('\\', '/')
    .replace(/^\.?\//, '')
    .normalize('NFC')
    .toLowerCase();
}

function withoutExtension(path: string): string {
  return path.replace(/\.(png|jpe?g|webp|avif|gif|bmp)$/, '');
}
