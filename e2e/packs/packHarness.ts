import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { MemoryDisk } from '../../src/storage/memoryDirectory.ts';
import { MemoryLocks } from '../../src/storage/memoryLocks.ts';
import type { Installation } from '../../workers/installPack.ts';

const FIXTURES = fileURLToPath(new URL('../../reference/fixtures/', import.meta.url));

/** Makes `navigator` one of a browser with an empty private file system, for a test. */
export function emptyBrowser(disk = new MemoryDisk()): MemoryDisk {
  vi.stubGlobal('navigator', {
    locks: new MemoryLocks(),
    storage: {
      getDirectory: async () => disk.root,
      estimate: async () => ({ usage: disk.used, quota: disk.quota }),
      persisted: async () => false,
    },
  });
  return disk;
}

/** The same disk in a new tab: nobody holds locks or files any more. */
export function reopenedBrowser(disk: MemoryDisk): void {
  const contents = disk.root.contents();
  disk.writesLeft = null;
  disk.root.children.clear();
  for (const [path, bytes] of contents) disk.root.put(path, bytes);
  emptyBrowser(disk);
}

/** A folder of the reference as it is dropped. */
export function droppedFolder(fixture: string): Extract<Installation['source'], { from: 'files' }> {
  const paths = readdirSync(join(FIXTURES, fixture), { recursive: true, encoding: 'utf8' }).sort();
  const files = paths
    .filter((path) => /\.\w+$/.test(path))
    .map((path) => ({
      path,
      file: new File([readFileSync(join(FIXTURES, fixture, path))], path, { lastModified: 1_700_000_000_000 }),
    }));
  return { from: 'files', files };
}

/** Digests of the files of the only pack, but for its id and date. */
export function packContents(disk: MemoryDisk): Map<string, string> {
  const contents = new Map<string, string>();
  for (const [path, bytes] of disk.root.contents()) {
    const [, id = '', name = ''] = path.split('/');
    if (contents.has(name)) throw new Error(`There are two "${name}"`);
    const isManifest = name === 'pack.json';
    const compared = isManifest ? withoutDates(bytes, id) : bytes;
    contents.set(name, `${compared.byteLength} ${createHash('sha256').update(compared).digest('hex')}`);
  }
  return contents;
}

function withoutDates(bytes: Uint8Array, id: string): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(bytes);
  return new TextEncoder().encode(text.replaceAll(id, 'id').replace(/"installedAt":\d+/, '"installedAt":0'));
}
