import type { StoredTensor, WeightIndex } from '../graph/weights.ts';
import type { StreamState } from '../hub/publishedFile.ts';
import { array, checkShard, checkWeight, count, record, string } from './parseManifest.ts';
import { isShardName, type WrittenShard } from './shardWriter.ts';

/** Longest journal read, in bytes; the largest model's has two million. */
const MAX_JOURNAL_BYTES = 64_000_000;

/** One line of the journal: what has come onto the disk since the line before it. Nothing is written before it is. */
export interface JournalEntry {
  /** The part that was being compiled. */
  readonly part: string;
  /** Its weights that were stored, in their order. */
  readonly weights: WeightIndex;
  /** Shards that have grown, from the first block that is new or longer than before. */
  readonly shards: readonly (WrittenShard & { readonly firstBlock: number })[];
  /** How far the streams over its published files have come, by path. */
  readonly streams: Readonly<Record<string, StreamState>>;
  /** Published files whose SHA-256 was found right. */
  readonly checked: readonly string[];
  /** Published bytes read so far, of all parts. */
  readonly doneBytes: number;
}

/** What a journal proves. */
export interface JournalState {
  /** Stored weights by part; parts and weights in their order. */
  readonly parts: ReadonlyMap<string, Readonly<Record<string, StoredTensor>>>;
  readonly shards: readonly WrittenShard[];
  /**
   * Where to go on reading published files: as of the line before the last. Streams run ahead of what is stored; what is not
   * stored has to come again, and through the stream, where it is hashed.
   */
  readonly streams: ReadonlyMap<string, StreamState>;
  readonly checked: ReadonlySet<string>;
  readonly doneBytes: number;
}

/** A line that was read. */
export interface JournalLine {
  readonly entry: JournalEntry;
  /** Where it ends in the file, its line feed included. */
  readonly end: number;
}

/** The lines of a journal up to the first that is torn or damaged. */
export function readJournal(bytes: Uint8Array<ArrayBuffer>, blockBytes: number): JournalLine[] {
  const lines: JournalLine[] = [];
  if (bytes.byteLength > MAX_JOURNAL_BYTES) return lines;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let start = 0; ; ) {
    const feed = bytes.indexOf(0x0a, start);
    if (feed < 0) return lines;
    try {
      const entry = parseEntry(JSON.parse(decoder.decode(bytes.subarray(start, feed))), blockBytes);
      lines.push({ entry, end: feed + 1 });
    } catch {
      return lines;
    }
    start = feed + 1;
  }
}

/** What lines prove together. */
export function journalState(entries: readonly JournalEntry[]): JournalState {
  const parts = new Map<string, Record<string, StoredTensor>>();
  const shards = new Map<string, WrittenShard>();
  const streams = new Map<string, StreamState>();
  const checked = new Set<string>();
  let doneBytes = 0;
  for (const [index, entry] of entries.entries()) {
    parts.set(entry.part, Object.assign(parts.get(entry.part) ?? {}, entry.weights));
    for (const { name, byteLength, firstBlock, sha256 } of entry.shards) {
      const before = shards.get(name)?.sha256.slice(0, firstBlock) ?? [];
      shards.set(name, { name, byteLength, sha256: [...before, ...sha256] });
    }
    if (index < entries.length - 1) {
      for (const [path, state] of Object.entries(entry.streams)) streams.set(path, state);
    }
    for (const path of entry.checked) checked.add(path);
    doneBytes = entry.doneBytes;
  }
  return { parts, shards: [...shards.values()], streams, checked, doneBytes };
}

/** The entry of what was stored since `before`. */
export function entryBetween(
  before: readonly WrittenShard[],
  { shards, ...rest }: Omit<JournalEntry, 'shards'> & { readonly shards: readonly WrittenShard[] },
): JournalEntry {
  const grown = shards.flatMap((shard) => {
    const known = before.find(({ name }) => name === shard.name);
    if (known?.byteLength === shard.byteLength) return [];
    // An unfinished block has another checksum when it has grown.
    let firstBlock = 0;
    while (known && firstBlock < known.sha256.length && known.sha256[firstBlock] === shard.sha256[firstBlock])
      firstBlock++;
    return [{ ...shard, firstBlock, sha256: shard.sha256.slice(firstBlock) }];
  });
  return { ...rest, shards: grown };
}

/** Appends lines to a journal, each on the disk before `append` returns. Owns the open file: call `close`. */
export class Journal {
  readonly #handle: FileSystemSyncAccessHandle;
  #length: number;

  private constructor(handle: FileSystemSyncAccessHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  /** @param options `length`: bytes that are kept; what follows is cut off */
  static async open(file: FileSystemFileHandle, { length }: { length: number }): Promise<Journal> {
    const handle = await file.createSyncAccessHandle();
    handle.truncate(length);
    handle.flush();
    return new Journal(handle, length);
  }

  append(entry: JournalEntry): void {
    const line = new TextEncoder().encode(`${JSON.stringify(entry)}\n`);
    const written = this.#handle.write(line, { at: this.#length });
    if (written !== line.byteLength) {
      throw new DOMException(`${written} of ${line.byteLength} bytes were written`, 'QuotaExceededError');
    }
    this.#handle.flush();
    this.#length += line.byteLength;
  }

  close(): void {
    this.#handle.close();
  }
}

function parseEntry(value: unknown, blockBytes: number): JournalEntry {
  const { part, weights, shards, streams, checked, doneBytes } = record(value, 'a line');
  string(part, 'part');
  for (const weight of Object.values(record(weights, 'weights'))) checkWeight(weight);
  for (const shard of array(shards, 'shards')) {
    const { name, firstBlock, byteLength, sha256 } = record(shard, 'shards');
    if (!isShardName(string(name, 'shards'))) throw new SyntaxError('a shard has another name than shards have');
    count(firstBlock, 'firstBlock');
    count(byteLength, 'byteLength');
    checkShard({ sha256, byteLength: (byteLength as number) - (firstBlock as number) * blockBytes }, blockBytes);
  }
  for (const state of Object.values(record(streams, 'streams'))) {
    const { position, hash } = record(state, 'streams');
    count(position, 'streams');
    if (hash !== null) string(hash, 'streams');
  }
  for (const path of array(checked, 'checked')) string(path, 'checked');
  count(doneBytes, 'doneBytes');
  return value as JournalEntry;
}
