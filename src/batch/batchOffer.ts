import type { BatchImage } from './batch.ts';
import { MAX_BATCH_IMAGES } from './batchRecord.ts';
import { findPrompts, isPromptFile, pathsWithoutExtension } from './promptList.ts';

/** A file with its path, as far as it matters here. */
interface PathedSize {
  readonly path: string;
  readonly file: { readonly size: number; text(): Promise<string> };
}

/** More loose images than this are offered as a batch instead of being opened; folders always are. */
export const MOST_LOOSE_IMAGES = 12;

/** Longest list of prompts that is read, bytes. */
const LONGEST_LIST = 50_000_000;

/** Whether images came as a folder's, or as so many that a list suits them better than the strip. */
export function looksLikeBatch(images: readonly { readonly path: string }[]): boolean {
  if (images.length > MOST_LOOSE_IMAGES) return true;
  return images.length > 1 && images.some(({ path }) => path.includes('/'));
}

/** What a drop would become as a batch. */
export interface BatchContent<Found> {
  /** The folder's name; for loose images their number. */
  readonly name: string;
  readonly images: readonly BatchImage[];
  /** Files by the image's path. */
  readonly files: ReadonlyMap<string, Found>;
  /** Bytes of all images. */
  readonly byteLength: number;
  /** Sentences for the user: which prompts were found, what was left out. */
  readonly notes: readonly string[];
}

/** The folder that all paths begin with, with its slash; empty: there is none. */
export function commonFolder(paths: readonly string[]): string {
  const [first = ''] = paths;
  const folder = first.slice(0, first.indexOf('/') + 1);
  return folder !== '' && paths.every((path) => path.startsWith(folder)) ? folder : '';
}

/**
 * Sees what is in a drop: images in the order of their paths, numbers in them counted, and the prompts that lie beside them.
 * @param files everything dropped. `images`: those of them that are images
 */
export async function batchContent<Found extends PathedSize>(
  images: readonly Found[],
  { files }: { files: readonly PathedSize[] },
): Promise<BatchContent<Found>> {
  const folder = commonFolder(images.map(({ path }) => path));
  const order = new Intl.Collator('en', { numeric: true });
  const inside = distinct(images.map((found) => ({ path: found.path.slice(folder.length), found }))).sort((a, b) =>
    order.compare(a.path, b.path),
  );
  const taken = inside.slice(0, MAX_BATCH_IMAGES);
  const paths = taken.map(({ path }) => path);
  const known = pathsWithoutExtension(paths);
  const texts = await Promise.all(
    files
      .filter(({ path }) => path.startsWith(folder))
      .map(({ path, file }) => ({ path: path.slice(folder.length), file }))
      .filter(({ path, file }) => isPromptFile(path, known) && file.size <= LONGEST_LIST)
      .map(async ({ path, file }) => ({ path, text: await file.text() })),
  );
  const { prompts, notes } = findPrompts(paths, texts);
  const more = inside.length - taken.length;
  return {
    name: folder === '' ? `${taken.length} images` : folder.slice(0, -1),
    images: taken.map(({ path, found }) => ({ path, size: found.file.size, prompt: prompts.get(path) ?? null })),
    files: new Map(taken.map(({ path, found }) => [path, found])),
    byteLength: taken.reduce((sum, { found }) => sum + found.file.size, 0),
    notes: more > 0 ? [...notes, `Only the first ${MAX_BATCH_IMAGES} images are taken; ${more} are left out.`] : notes,
  };
}

/** Loose files from several folders may have the same name: then the later ones are numbered. */
function distinct<Item extends { readonly path: string }>(items: readonly Item[]): Item[] {
  const used = new Set<string>();
  return items.map((item) => {
    let { path } = item;
    for (let copy = 2; used.has(path); copy++) path = item.path.replace(/(\.[^./]*)?$/, ` (${copy})$1`);
    used.add(path);
    return { ...item, path };
  });
}

/**
 * Finds the files of a batch's images among those dropped again: by path and size, else by name and size where that is one file
 * alone.
 * @returns files by the image's path
 */
export function matchFiles<Found extends PathedSize>(
  images: readonly BatchImage[],
  files: readonly Found[],
): ReadonlyMap<string, Found> {
  const folder = commonFolder(files.map(({ path }) => path));
  const byPath = new Map<string, Found>();
  const byName = new Map<string, Found | null>();
  const nameKey = (path: string, size: number) => `${size} ${path.slice(path.lastIndexOf('/') + 1)}`;
  for (const found of files) {
    byPath.set(found.path.slice(folder.length), found);
    byPath.set(found.path, found);
    const key = nameKey(found.path, found.file.size);
    byName.set(key, byName.has(key) ? null : found);
  }
  const matched = new Map<string, Found>();
  for (const { path, size } of images) {
    const atPath = byPath.get(path);
    const found = atPath?.file.size === size ? atPath : byName.get(nameKey(path, size));
    if (found) matched.set(path, found);
  }
  return matched;
}
