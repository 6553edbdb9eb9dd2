import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../../scripts/blocksFiles.ts';
import { blocksBundle } from '../../src/bundles/blocks.ts';
import { DependencyParser } from '../../src/prompt/parser/dependencyParser.ts';
import type { PromptReader } from '../../src/prompt/phrase.ts';
import { promptReader } from '../../src/prompt/promptReader.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { MemoryDisk } from '../../src/storage/memoryDirectory.ts';
import { MemoryLocks } from '../../src/storage/memoryLocks.ts';
import { installPack } from '../../workers/installPack.ts';
import { PacksInUse } from '../../workers/packsInUse.ts';

/** The models of a folder as the app uses them, and what tells this version from others. */
export interface EvaluatedModels {
  readonly packs: PacksInUse;
  readonly readPrompt: PromptReader;
  /** By kind; of those that are there. */
  readonly revisions: Readonly<Record<string, string>>;
}

/** Installs the models of a folder into a disk in memory, through the app's own compiler, and opens them. */
export async function openModels(root: string, folder: string): Promise<EvaluatedModels> {
  const disk = new MemoryDisk();
  const browser = {
    userAgent: 'Node',
    locks: new MemoryLocks(),
    storage: {
      getDirectory: async () => disk.root,
      estimate: async () => ({ usage: disk.used, quota: disk.quota }),
      persisted: async () => true,
    },
  };
  Object.defineProperty(globalThis, 'navigator', { value: browser, configurable: true });
  const installed: string[] = [];
  const revisions: Record<string, string> = {};
  for (const { kind, name, precision, licence, files } of blocksBundle(listFiles(folder))?.models ?? []) {
    const source = {
      from: 'files' as const,
      files: files.map(({ path, file }) => ({
        path,
        file: new File([readFileSync(join(folder, file.replace(/^blocks\//, '')))], path, { lastModified: 0 }),
      })),
    };
    const { signal } = new AbortController();
    const { id } = await installPack({ name, precision, licence, source }, { signal, onProgress: () => {} });
    installed.push(id);
    revisions[kind] = files[0]?.revision ?? '';
  }
  // Only now: onnxruntime makes Node's workers look like a browser's, which the installation would take for threads that can write.
  const runtime = await Runtime.start({ preferred: 'wasm' });
  const packs = new PacksInUse();
  for (const id of installed) await packs.use(id, runtime);
  const weights = readFileSync(join(root, 'public/parser/english-ewt.bin'));
  return { packs, revisions, readPrompt: promptReader(new DependencyParser(new Uint8Array(weights))) };
}
