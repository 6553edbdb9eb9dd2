import { makeZip } from 'client-zip';
import { refinedPaths } from '../batch/batchExport.ts';
import { type BatchQueue, entryOf } from '../batch/batchQueue.ts';
import { entryName } from '../batch/batchRecord.ts';
import type { AppStore } from '../store/appStore.ts';
import type { OpenBatch } from '../store/batchState.ts';
import { batchFiles } from '../store/batchWork.ts';
import { canChooseFolder, chooseFolder } from './chooseFolder.ts';
import { downloadBlob } from './pictureFile.ts';

/** Entries whose picture was changed for the better, and kept. */
export function refinedEntries({ outcomes }: BatchQueue): readonly number[] {
  return [...outcomes.keys()].filter((entry) => {
    const outcome = outcomes[entry];
    return outcome?.state === 'done' && outcome.result.outcome === 'refined';
  });
}

/**
 * Saves all refined pictures: into a folder the user chooses, where the browser lets a page write; else as a zip, which is written on
 * the disk first and never as a whole in memory. Call it within a click. Throws what the file system throws.
 */
export async function saveRefined(
  store: AppStore,
  { batch, onProgress }: { batch: OpenBatch; onProgress: (done: number) => void },
): Promise<void> {
  const { queue, name } = batch;
  const entries = refinedEntries(queue);
  const paths = refinedPaths(queue, { entries, extension: 'png' });
  const folder = canChooseFolder() ? await chooseFolder('pictures') : null;
  if (canChooseFolder() && !folder) return;

  async function* pictures() {
    for (const [i, entry] of entries.entries()) {
      const { task } = entryOf(queue, entry);
      const kept = batchFiles.refined(entryName(entry % queue.images.length, task));
      const file = await store.getState().batchFile(kept);
      if (file) yield { path: paths[i] as string, file };
      onProgress(i + 1);
    }
  }

  if (folder) {
    for await (const { path, file } of pictures()) await writeInto(folder, { path, file });
    return;
  }
  const zip = await zipOf(store, pictures());
  downloadBlob(zip, `${name}-refined.zip`);
}

async function writeInto(
  folder: FileSystemDirectoryHandle,
  { path, file }: { path: string; file: File },
): Promise<void> {
  const parts = path.split('/');
  const last = parts.pop() as string;
  let at = folder;
  for (const part of parts) at = await at.getDirectoryHandle(part, { create: true });
  const stream = await (await at.getFileHandle(last, { create: true })).createWritable();
  // Streams the file and closes what it is written to; stops it where one of them fails.
  await file.stream().pipeTo(stream);
}

async function zipOf(store: AppStore, pictures: AsyncIterable<{ path: string; file: File }>): Promise<Blob> {
  async function* inputs() {
    for await (const { path, file } of pictures) yield { name: path, input: file, lastModified: file.lastModified };
  }
  const place = await store.getState().exportFile();
  await makeZip(inputs()).pipeTo(await place.createWritable());
  return place.getFile();
}
