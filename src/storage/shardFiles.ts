import { ShardDisk } from './shardDisk.ts';
import { ShardThread } from './shardThread.ts';

/** A block of a shard that is full, or the last of its shard. */
export interface EndedBlock {
  /** Where it begins in the shard. */
  readonly at: number;
  /** Its memory. Left alone until it is given back. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many bytes of that it has, and how many of those are in the file already. */
  readonly length: number;
  readonly written: number;
}

/** What became of it. */
export interface WrittenBlock {
  readonly sha256: string;
  /** Its memory, to be used again; not the same object. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The shards of one folder on the disk, one of them open. All that is asked is done in the order of asking, waited for or not.
 * What fails does so with a `StorageError`, and so does all that comes after it: it is enough to wait for the last.
 */
export interface ShardFiles {
  /** Ends the open shard, which brings it onto the disk, and opens another one, of which `byteLength` bytes are kept. */
  open(name: string, byteLength: number): Promise<void>;
  /** Fails where there are fewer bytes. */
  read(at: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Takes the bytes' memory. */
  write(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Writes what of a block is missing, reads all of it back and compares: what is not as written is written once more. */
  endBlock(block: EndedBlock): Promise<WrittenBlock>;
  /** Brings everything onto the disk. */
  flush(): Promise<void>;
  /** Lets go of the open file when all is done. Never fails, and may be called more than once. */
  close(): Promise<void>;
}

/** The shards of a folder, written by a thread of their own where there are threads. Own an open file: call `close`. */
export function openShardFiles(folder: FileSystemDirectoryHandle): ShardFiles {
  const worker = startWorker();
  return worker ? new ShardThread(folder, worker) : new ShardDisk(folder);
}

/** Null where there are no workers, as in Node, or where the page's policy does not let this one start. */
function startWorker(): Worker | null {
  if (typeof Worker === 'undefined') return null;
  try {
    return new Worker(new URL('../../workers/shards.worker.ts', import.meta.url), { type: 'module', name: 'shards' });
  } catch {
    return null;
  }
}
