import { readBlocks, sha256Hex } from './blockChecksums.ts';
import { type PackManifest, storedName } from './packManifest.ts';
import type { OpenPack } from './packStore.ts';

/** What of a pack is not as it was written. */
export interface FoundDamage {
  /** Indices of the broken blocks, by name of the shard. */
  readonly blocks: ReadonlyMap<string, readonly number[]>;
  /** Kept files, by their path in the model's folder. */
  readonly files: readonly string[];
}

/** What {@link findDamage} found, for the user. */
export interface PackDamage {
  /** Shards and kept files, as shown. */
  readonly items: readonly string[];
  /** Bytes to write again. */
  readonly byteLength: number;
  /** Whether the pack knows where to fetch them; else its files have to be added again. */
  readonly canFetch: boolean;
}

/**
 * Reads a whole pack and compares it with its checksums.
 * @param options `onBytes`: told how many bytes were compared, as they are
 * @returns null: it is as it was written
 */
export async function findDamage(
  { manifest, file }: OpenPack,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (count: number) => void },
): Promise<FoundDamage | null> {
  const { blockBytes, shards, files: kept } = manifest.checksums;
  const find = (name: string) => file(name).catch(() => null);
  const blocks = new Map<string, number[]>();
  for (const [name, checksums] of Object.entries(shards)) {
    const broken: number[] = [];
    await readBlocks(await find(name), checksums, {
      blockBytes,
      signal,
      onBlock: ({ index, bytes }) => {
        if (!bytes) broken.push(index);
        onBytes(Math.min(blockBytes, checksums.byteLength - index * blockBytes));
      },
    });
    if (broken.length > 0) blocks.set(name, broken);
  }
  const files: string[] = [];
  for (const [path, { byteLength, sha256 }] of Object.entries(kept)) {
    signal.throwIfAborted();
    const stored = await find(storedName(path));
    const bytes = stored?.size === byteLength ? await stored.arrayBuffer().catch(() => null) : null;
    if (!bytes || (await sha256Hex(new Uint8Array(bytes))) !== sha256) files.push(path);
    onBytes(byteLength);
  }
  return blocks.size === 0 && files.length === 0 ? null : { blocks, files };
}

/** The weights that lie in broken blocks, wholly or in part: names by part. */
export function damagedWeights(
  { parts, checksums: { blockBytes } }: PackManifest,
  { blocks }: FoundDamage,
): Map<string, Set<string>> {
  const damaged = new Map<string, Set<string>>();
  for (const [part, weights] of Object.entries(parts)) {
    const names = Object.entries(weights).filter(([, { shard, offset, byteLength }]) =>
      blocks.get(shard)?.some((block) => offset < (block + 1) * blockBytes && offset + byteLength > block * blockBytes),
    );
    if (names.length > 0) damaged.set(part, new Set(names.map(([name]) => name)));
  }
  return damaged;
}

/** Says what is broken. */
export function describeDamage(manifest: PackManifest, damage: FoundDamage): PackDamage {
  const { shards, files } = manifest.checksums;
  let byteLength = 0;
  for (const [part, names] of damagedWeights(manifest, damage)) {
    for (const name of names) byteLength += manifest.parts[part]?.[name]?.byteLength ?? 0;
  }
  for (const path of damage.files) byteLength += files[path]?.byteLength ?? 0;
  const ofShards = [...damage.blocks].map(
    ([name, { length }]) => `${name} (${length} of ${shards[name]?.sha256.length ?? 0} pieces)`,
  );
  return { items: [...ofShards, ...damage.files], byteLength, canFetch: manifest.origin.from === 'hub' };
}
