import { deleteFile, findFile, writeFile } from './packFolders.ts';
import { asStorageError } from './storageError.ts';

/** Calibrations and what images were measured for them, in the browser's private file system, beside the packs. */
const CALIBRATIONS = 'calibrations';
const FEATURES = 'calibration-features';

/** A kept file and its name without `.json`. */
export interface KeptText {
  readonly id: string;
  readonly text: string;
}

/** All calibrations kept, as they were written. @throws {UserError} `StorageError` */
export async function keptCalibrations(): Promise<KeptText[]> {
  const found: KeptText[] = [];
  for await (const handle of (await folder(CALIBRATIONS)).values()) {
    if (handle.kind !== 'file' || !handle.name.endsWith('.json')) continue;
    found.push({ id: handle.name.slice(0, -5), text: await (await handle.getFile()).text() });
  }
  return found;
}

/** Keeps a calibration under a fresh id. @throws {UserError} `StorageError` */
export async function keepCalibration(text: string): Promise<string> {
  const id = crypto.randomUUID();
  await writeFile(await folder(CALIBRATIONS), `${id}.json`, text);
  return id;
}

/** Deletes a calibration; no error when it is gone already. @throws {UserError} `StorageError` */
export async function deleteCalibration(id: string): Promise<void> {
  await deleteFile(await folder(CALIBRATIONS), `${id}.json`);
}

/**
 * What was measured of images, by their content: a file of text each, in a folder for each model. Losing it costs only time, so
 * what cannot be read is not there, and what cannot be written is not kept.
 */
export const featureFiles = {
  async read(model: string, image: string): Promise<string | null> {
    try {
      const file = await findFile(await subfolder(model), image);
      return file && (await file.text());
    } catch {
      return null;
    }
  },

  async write(model: string, image: string, text: string): Promise<void> {
    try {
      await writeFile(await subfolder(model), image, text);
    } catch {
      // Private windows have no such storage, full disks no room: it is measured again next time.
    }
  },

  /** Forgets what was measured with models that are there no more. */
  async keepOnly(models: readonly string[]): Promise<void> {
    try {
      const parent = await folder(FEATURES);
      const names: string[] = [];
      for await (const { name } of parent.values())
        if (!models.some((model) => name.startsWith(model))) names.push(name);
      for (const name of names) await parent.removeEntry(name, { recursive: true });
    } catch {
      // Another tab may be writing there; the next time will do.
    }
  },
};

async function folder(name: string): Promise<FileSystemDirectoryHandle> {
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true });
  } catch (error) {
    throw asStorageError(error, name);
  }
}

async function subfolder(name: string): Promise<FileSystemDirectoryHandle> {
  return (await folder(FEATURES)).getDirectoryHandle(name, { create: true });
}
