import type { ShardSink, StoredTensor, TensorLayout, WeightIndex } from '../graph/weights.ts';
import type { StreamState } from '../hub/publishedFile.ts';
import { type FileChecksum, type PackChecksums, sha256Hex } from './blockChecksums.ts';
import type { DraftRecord } from './draftRecord.ts';
import { type FoundDraft, readLines } from './draftStore.ts';
import { entryBetween, Journal, type JournalLine, type JournalState, journalState } from './journal.ts';
import { DRAFT, deleteFile, deleteFolder, findFile, JOURNAL, MANIFEST, makeFolder, writeFile } from './packFolders.ts';
import { ownPack } from './packLocks.ts';
import { type PackManifest, storedName } from './packManifest.ts';
import { ShardWriter, type WrittenShard } from './shardWriter.ts';
import { asStorageError } from './storageError.ts';

/** What an interruption may cost: so many bytes written, or so many milliseconds. */
const COMMIT_BYTES = 64 * 1024 ** 2;
const COMMIT_MS = 3000;

/** How far reading has come, as the journal keeps it. */
export interface ReadingProgress {
  /** Published bytes read of all. */
  readonly doneBytes: number;
  readonly streams: Readonly<Record<string, StreamState>>;
}

/**
 * A draft that is written: weights go into its shards, and now and then a line of its journal says which of them are on the
 * disk. Whatever happens between two lines, the shards up to the last line are whole. Owns open files and the draft's lock:
 * call `close`, after which the draft waits to be opened again.
 */
export class OpenDraft {
  readonly id: string;
  readonly record: DraftRecord;
  /** What an earlier visit has done. */
  readonly before: JournalState;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #writer: ShardWriter;
  readonly #journal: Journal;
  readonly #release: () => Promise<void>;
  readonly #commitBytes: number;
  readonly #parts = new Map<string, Record<string, StoredTensor>>();
  readonly #files: Record<string, FileChecksum> = {};
  #flushed: readonly WrittenShard[];
  #pending: Record<string, StoredTensor> = {};
  #pendingBytes = 0;
  #committedAt = performance.now();
  /** The last line that was begun. */
  #line: Promise<void> = Promise.resolve();
  /** A quantised weight that is of no use without its scales, which come next; else null. */
  #halfStored: { readonly name: string; readonly shard: string; readonly offset: number } | null = null;
  #part: { readonly name: string; readonly progress: () => ReadingProgress } | null = null;

  private constructor(
    { id, folder, record }: FoundDraft,
    options: {
      writer: ShardWriter;
      journal: Journal;
      lines: readonly JournalLine[];
      commitBytes: number;
      release: () => Promise<void>;
    },
  ) {
    this.id = id;
    this.record = record;
    this.#folder = folder;
    this.#writer = options.writer;
    this.#journal = options.journal;
    this.#release = options.release;
    this.#commitBytes = options.commitBytes;
    this.before = journalState(options.lines.map(({ entry }) => entry));
    this.#flushed = this.before.shards;
    for (const [part, weights] of this.before.parts) this.#parts.set(part, { ...weights });
  }

  /**
   * Begins a draft.
   * @param options `commitBytes`: written bytes after which a line is written, for tests
   * @throws {UserError} `StorageError`
   */
  static async create(record: DraftRecord, options: { commitBytes?: number } = {}): Promise<OpenDraft> {
    const folder = await makeFolder();
    try {
      await writeFile(folder, DRAFT, JSON.stringify(record));
      return await OpenDraft.open({ id: folder.name, folder, record }, options);
    } catch (error) {
      await deleteFolder(folder.name).catch(() => {});
      throw error;
    }
  }

  /**
   * Goes on with a draft. Lines of the journal that the shards do not bear out, because the disk lost what it had said it
   * kept, are given up.
   * @throws {UserError} `StorageError`
   */
  static async open(found: FoundDraft, { commitBytes = COMMIT_BYTES } = {}): Promise<OpenDraft> {
    const { id, folder, record } = found;
    const { shardLimit: limit, blockBytes } = record;
    const release = await ownPack(id);
    let writer: ShardWriter | null = null;
    try {
      let lines = await readLines(folder, record);
      while (lines.length > 0 && !(await bearsOut(folder, lines, blockBytes))) lines = lines.slice(0, -1);
      const { shards: written } = journalState(lines.map(({ entry }) => entry));
      writer = await ShardWriter.open(folder, { written, limit, blockBytes });
      const file = await folder.getFileHandle(JOURNAL, { create: true });
      const journal = await Journal.open(file, { length: lines.at(-1)?.end ?? 0 });
      return new OpenDraft(found, { writer, journal, lines, commitBytes, release });
    } catch (error) {
      await writer?.close();
      await release();
      throw asStorageError(error, JOURNAL);
    }
  }

  /** Bytes of all weights that are stored. */
  get byteLength(): number {
    return this.#writer.byteLength;
  }

  /** What of a part is stored. */
  stored(part: string): WeightIndex {
    return this.#parts.get(part) ?? {};
  }

  /**
   * Where the weights of a part go. Parts are written one after another.
   * @param progress asked whenever a line is written
   */
  sink(part: string, progress: () => ReadingProgress): ShardSink {
    this.#part = { name: part, progress };
    const stored = this.#parts.get(part) ?? {};
    this.#parts.set(part, stored);
    return { append: (layout, pieces) => this.#append(stored, layout, pieces) };
  }

  /**
   * Writes a line of what was stored since the last one, but for a quantised weight whose scales did not come any more.
   * @param checked published files whose SHA-256 was found right
   * @throws {UserError} `StorageError`
   */
  async commit(checked: readonly string[] = []): Promise<void> {
    await this.#dropHalfStored();
    await this.#writeLine(checked);
  }

  /**
   * Gives up all that was stored of some parts, and of what came after: the draft is closed, and goes on before the first of
   * them when it is opened again.
   */
  async rollBack(parts: ReadonlySet<string>): Promise<void> {
    await this.#closeFiles();
    const lines = await readLines(this.#folder, this.record);
    const first = lines.findIndex(({ entry }) => parts.has(entry.part));
    try {
      if (first < 0) return;
      const file = await this.#folder.getFileHandle(JOURNAL);
      (await Journal.open(file, { length: lines[first - 1]?.end ?? 0 })).close();
    } catch (error) {
      throw asStorageError(error, JOURNAL);
    } finally {
      await this.#release();
    }
  }

  /** Keeps a published file beside the weights. @throws {UserError} `StorageError` */
  async keepFile(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await writeFile(this.#folder, storedName(path), bytes);
    this.#files[path] = { byteLength: bytes.byteLength, sha256: await sha256Hex(bytes) };
  }

  /**
   * Ends the draft: from here on it is a pack.
   * @param describe the manifest, but for what the draft knows itself
   * @throws {UserError} `StorageError`
   */
  async install(
    describe: (byteLength: number) => Omit<PackManifest, 'parts' | 'files' | 'checksums'>,
  ): Promise<PackManifest> {
    const written = await this.#writer.finish();
    const shards: PackChecksums['shards'] = Object.fromEntries(
      written.map(({ name, byteLength, sha256 }) => [name, { byteLength, sha256 }]),
    );
    const kept = Object.values(this.#files).reduce((sum, { byteLength }) => sum + byteLength, 0);
    const manifest: PackManifest = {
      ...describe(this.#writer.byteLength + kept),
      parts: Object.fromEntries(this.#parts),
      files: Object.keys(this.#files),
      checksums: { blockBytes: this.record.blockBytes, shards, files: this.#files },
    };
    await this.#closeFiles();
    await writeFile(this.#folder, MANIFEST, JSON.stringify(manifest));
    await deleteFile(this.#folder, JOURNAL);
    await deleteFile(this.#folder, DRAFT);
    await this.#release();
    return manifest;
  }

  /** Lets go of the files and of the lock. May be called more than once. */
  async close(): Promise<void> {
    await this.#closeFiles();
    await this.#release();
  }

  /** Deletes the draft. */
  async discard(): Promise<void> {
    await this.#closeFiles();
    try {
      await deleteFolder(this.id);
    } finally {
      await this.#release();
    }
  }

  /** When a line that is begun is written, or never will be. */
  async #closeFiles(): Promise<void> {
    await this.#line.catch(() => {});
    await this.#writer.close();
    this.#journal.close();
  }

  async #append(
    stored: Record<string, StoredTensor>,
    { name, ...tensor }: TensorLayout,
    pieces: Parameters<ShardSink['append']>[1],
  ): Promise<{ shard: string; offset: number }> {
    const place = await this.#writer.append({ name, ...tensor }, pieces);
    stored[name] = this.#pending[name] = { ...tensor, ...place };
    this.#pendingBytes += tensor.byteLength;
    // A quantised weight is worth nothing without its scales: the journal has both or neither.
    this.#halfStored = tensor.type === 'uint8' ? { name, ...place } : null;
    const isDue = this.#pendingBytes >= this.#commitBytes || performance.now() - this.#committedAt >= COMMIT_MS;
    if (isDue && !this.#halfStored) {
      // One at a time; this one is written while the next weights come.
      await this.#line;
      void this.#writeLine([]);
    }
    return place;
  }

  /** Begins a line of what was stored since the last one. It is written when that is on the disk, unless one before it failed. */
  #writeLine(checked: readonly string[]): Promise<void> {
    if (!this.#part) return this.#line;
    const { name, progress } = this.#part;
    const entry = { part: name, weights: this.#pending, ...progress(), checked };
    this.#pending = {};
    this.#pendingBytes = 0;
    this.#committedAt = performance.now();
    const before = this.#line;
    this.#line = this.#writer.flush().then(async (shards) => {
      await before;
      try {
        this.#journal.append(entryBetween(this.#flushed, { ...entry, shards }));
      } catch (error) {
        throw asStorageError(error, JOURNAL);
      }
      this.#flushed = shards;
    });
    // Whoever waits for the next one is told.
    this.#line.catch(() => {});
    return this.#line;
  }

  async #dropHalfStored(): Promise<void> {
    if (!this.#halfStored || !this.#part) return;
    const { name, offset } = this.#halfStored;
    await this.#writer.rewind(offset);
    delete this.#pending[name];
    delete (this.#parts.get(this.#part.name) as Record<string, StoredTensor>)[name];
    this.#halfStored = null;
  }
}

/** Whether the shards have what the lines say: their length, and the last block of the last one. */
async function bearsOut(
  folder: FileSystemDirectoryHandle,
  lines: readonly JournalLine[],
  blockBytes: number,
): Promise<boolean> {
  const { shards } = journalState(lines.map(({ entry }) => entry));
  for (const { name, byteLength } of shards) {
    const file = await findFile(folder, name);
    if (!file || file.size < byteLength) return false;
  }
  const last = shards.at(-1);
  if (!last || last.byteLength === 0) return true;
  const file = await findFile(folder, last.name);
  const start = (last.sha256.length - 1) * blockBytes;
  const bytes = await file?.slice(start, last.byteLength).arrayBuffer();
  return bytes !== undefined && (await sha256Hex(new Uint8Array(bytes))) === last.sha256.at(-1);
}
