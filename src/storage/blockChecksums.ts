/** Bytes that share one SHA-256: small enough to hold and to write again, large enough that a pack has less than a thousand. */
export const BLOCK_BYTES = 8 * 1024 ** 2;

/** Length of a shard and the SHA-256, in hex, of each of its blocks; the last block may be shorter. */
export interface ShardChecksums {
  readonly byteLength: number;
  readonly sha256: readonly string[];
}

/** Length and SHA-256, in hex, of a whole file. */
export interface FileChecksum {
  readonly byteLength: number;
  readonly sha256: string;
}

/** What every file of a pack is compared with. */
export interface PackChecksums {
  readonly blockBytes: number;
  /** By name of the shard. */
  readonly shards: Readonly<Record<string, ShardChecksums>>;
  /** Kept files by their path in the model's folder. */
  readonly files: Readonly<Record<string, FileChecksum>>;
}

/** SHA-256 in hex. The bytes are copied before this returns: their buffer may be used again at once. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Reads a file block by block, each compared with its checksum.
 * @param onBlock told of each block in order, with its bytes; null: it cannot be read or is not what was written
 */
export async function readBlocks(
  file: Blob | null,
  { byteLength, sha256 }: ShardChecksums,
  {
    blockBytes,
    signal,
    onBlock,
  }: {
    blockBytes: number;
    signal: AbortSignal;
    onBlock: (block: { index: number; bytes: Uint8Array<ArrayBuffer> | null }) => void | Promise<void>;
  },
): Promise<void> {
  const load = async (index: number): Promise<Uint8Array<ArrayBuffer> | null> => {
    if (!file || index >= sha256.length) return null;
    const start = index * blockBytes;
    try {
      return new Uint8Array(await file.slice(start, Math.min(start + blockBytes, byteLength)).arrayBuffer());
    } catch {
      return null;
    }
  };
  // One block is read while the one before it is hashed, which takes another thread.
  let next = load(0);
  for (let index = 0; index < sha256.length; index++) {
    signal.throwIfAborted();
    const bytes = await next;
    const digest = bytes && sha256Hex(bytes);
    next = load(index + 1);
    await onBlock({ index, bytes: (await digest) === sha256[index] ? bytes : null });
  }
}
