import type { ModelSource } from '../src/bridge/packProtocol.ts';
import type { ByteSource, HubFolder } from '../src/checkpoint/byteSource.ts';
import type { ResolvedFile, StreamState } from '../src/hub/publishedFile.ts';
import { RemoteFile } from '../src/hub/remoteFile.ts';
import { resolveFiles } from '../src/hub/resolveFiles.ts';
import type { TransferLimits } from '../src/hub/transferLimits.ts';
import { publicUrl } from '../src/publicUrl.ts';
import { blobSource } from '../src/storage/blobSource.ts';
import type { PackOrigin } from '../src/storage/packManifest.ts';

/** The published files of one model, opened for reading. Owns connections: call `close`. */
export interface OpenModel {
  readonly folder: HubFolder;
  /** How far the streams over some of its files have come, as the journal keeps it. */
  streams(paths: Iterable<string>): Record<string, StreamState>;
  /**
   * Reads a file to its end and compares it with what was published; nothing where that is not known, or the file lies on this
   * machine. Throws DownloadError.
   */
  finish(path: string): Promise<void>;
  /** Whether a file turned out not to be what was published, so that it has to be fetched anew. */
  isRefuted(): boolean;
  /** Ends all connections; what is read from here on is read as if nothing had been. */
  rest(): void;
  close(): void;
}

/** Patience with the network, other than the default for tests. */
export type NetworkLimits = Partial<TransferLimits> | undefined;

/** Largest file beside the weights that is fetched whole when it is first read, in bytes. */
const SMALL_FILE = 8_000_000;
const WEIGHTS = /\.(safetensors|bin|ckpt)$/;

/**
 * What identifies the files of a source: published ones are asked for at their hosts.
 * @throws {UserError} `DownloadError`
 */
export async function originOf(
  source: ModelSource,
  { name, signal, limits }: { name: string; signal: AbortSignal; limits: NetworkLimits },
): Promise<PackOrigin> {
  if (source.from === 'hub') {
    return { from: 'hub', files: await resolveFiles(source.files, { ...source.hub, signal, limits: limits ?? {} }) };
  }
  const files = source.files.map(({ path, file: { size, lastModified } }) => ({ path, size, lastModified }));
  return { from: 'files', name, files };
}

/**
 * Opens the files of a source.
 * @param origin what {@link originOf} has found for it
 * @param options `resume`: where to go on reading; `onBytes`: told how many bytes are fetched, as they are
 */
export function openModel(
  { source, origin }: { source: ModelSource; origin: PackOrigin },
  {
    signal,
    resume,
    onBytes,
    limits,
  }: {
    signal: AbortSignal;
    resume?: ReadonlyMap<string, StreamState>;
    onBytes?: (count: number) => void;
    limits: NetworkLimits;
  },
): OpenModel {
  const remotes = new Map<string, RemoteFile>();
  const finishing = new Map<string, () => Promise<void>>();
  const folder = new Map<string, ByteSource>();
  const hub = source.from === 'hub' && origin.from === 'hub' ? { files: origin.files, token: source.hub.token } : null;
  if (source.from === 'files') {
    for (const { path, file } of source.files) folder.set(path, blobSource(path, file));
  }
  for (const listed of hub?.files ?? []) {
    // The app may have moved since the pack was made.
    const file = listed.host === 'app' ? { ...listed, url: publicUrl(listed.file) } : listed;
    const remote = () => {
      const known = remotes.get(file.path);
      if (known) return known;
      const opened = new RemoteFile(file, {
        token: hub?.token ?? null,
        resume: resume?.get(file.path) ?? null,
        signal,
        limits: limits ?? {},
        ...(onBytes ? { onBytes } : {}),
      });
      remotes.set(file.path, opened);
      return opened;
    };
    const isSmall = file.bytes <= SMALL_FILE && !WEIGHTS.test(file.path);
    folder.set(file.path, isSmall ? wholeFile(file, remote) : fileOf(file, (start, end) => remote().read(start, end)));
    finishing.set(file.path, () => remote().finish());
  }
  const closeAll = () => {
    for (const remote of remotes.values()) remote.close();
  };
  return {
    folder,
    streams(paths) {
      const states: Record<string, StreamState> = {};
      for (const path of paths) {
        const remote = remotes.get(path);
        if (remote) states[path] = remote.state;
      }
      return states;
    },
    finish: async (path) => finishing.get(path)?.(),
    isRefuted: () => [...remotes.values()].some((remote) => remote.isRefuted),
    rest() {
      closeAll();
      remotes.clear();
    },
    close: closeAll,
  };
}

function fileOf({ path, bytes }: ResolvedFile, read: ByteSource['read']): ByteSource {
  return { name: path, size: bytes, read };
}

/** A small file, fetched whole and compared with what was published before any of it is believed. */
function wholeFile(file: ResolvedFile, remote: () => RemoteFile): ByteSource {
  let whole: Promise<Uint8Array<ArrayBuffer>> | null = null;
  const fetchWhole = async () => {
    const bytes = await remote().read(0, file.bytes);
    await remote().finish();
    return bytes;
  };
  return fileOf(file, async (start, end) => {
    whole ??= fetchWhole();
    try {
      return (await whole).slice(start, end);
    } catch (error) {
      whole = null;
      throw error;
    }
  });
}
