import type { PathedFile } from './modelFolder.ts';

/** A model this app exported, found among files; `files` have paths relative to its folder. */
export interface ExportedPack {
  readonly name: string;
  readonly files: readonly PathedFile[];
}

/** What an export writes last; no published model has it. */
const MANIFEST = 'pack.json';

/** The exported model that was dropped or picked; null: there is none. Of several, the first. */
export function exportedPack(files: readonly PathedFile[]): ExportedPack | null {
  const manifest = files.find(({ path }) => path === MANIFEST || path.endsWith(`/${MANIFEST}`));
  if (!manifest) return null;
  const folder = manifest.path.slice(0, -MANIFEST.length);
  const own = files
    .filter(({ path }) => path.startsWith(folder))
    .map(({ path, file }) => ({ path: path.slice(folder.length), file }));
  return { name: folder.split('/').at(-2) || 'the exported model', files: own };
}
