import type { ModelSource } from '../src/bridge/packProtocol.ts';
import type { HubFolder } from '../src/checkpoint/byteSource.ts';
import { UserError } from '../src/errors.ts';
import type { StreamState } from '../src/hub/publishedFile.ts';
import { blobSource } from '../src/storage/blobSource.ts';
import type { PackOrigin } from '../src/storage/packManifest.ts';

/** The published files of one model, opened for reading. Owns connections: call `close`. */
export interface OpenModel {
  readonly folder: HubFolder;
  /** How far the streams over some of its files have come, as the journal keeps it. */
  streams(paths: Iterable<string>): Record<string, StreamState>;
  /** Reads a file to its end and compares it with what was published. Throws DownloadError. */
  finish(path: string): Promise<void>;
  close(): void;
}

/** What identifies the files of a source. */
export async function originOf(source: ModelSource, name: string): Promise<PackOrigin> {
  if (source.from === 'hub') throw notYet();
  const files = source.files.map(({ path, file: { size, lastModified } }) => ({ path, size, lastModified }));
  return { from: 'files', name, files };
}

/** Opens the files of a source. */
export function openModel(source: ModelSource): OpenModel {
  if (source.from === 'hub') throw notYet();
  return {
    folder: new Map(source.files.map(({ path, file }) => [path, blobSource(path, file)])),
    streams: () => ({}),
    finish: async () => {},
    close: () => {},
  };
}

function notYet(): UserError {
  return new UserError('DownloadError', 'Models cannot be fetched from the hub yet. Download the folder and add it.');
}
