import type { Precision, StoredTensor, StoredType, WeightIndex } from '../graph/weights.ts';
import { isBoundedJson } from '../jsonBounds.ts';
import type { PackChecksums, ShardChecksums } from './blockChecksums.ts';
import { PACK_FORMAT, type PackKind, type PackManifest, type PackOrigin, storedName } from './packManifest.ts';
import { isShardName } from './shardWriter.ts';

/** Longest `pack.json` read, in bytes; the largest model's has one million. */
export const MAX_MANIFEST_BYTES = 32_000_000;
/** Most weights, files and blocks that are believed. */
const MAX_WEIGHTS = 100_000;
const MAX_FILES = 10_000;
const MAX_RANK = 8;
const MAX_BLOCK_BYTES = 256 * 1024 ** 2;

const TYPE_BYTES: Readonly<Record<StoredType, number>> = { float32: 4, float16: 2, uint8: 1 };
const KINDS: readonly PackKind[] = ['maps', 'inpainting', 'restoration'];
const HOSTS: readonly unknown[] = ['hub', 'github', 'app'];
const PRECISIONS: readonly Precision[] = ['fp32', 'fp16', 'q8', 'q4'];
/** Names in a pack's folder that no kept file may take. */
const OWN_NAMES = /^(pack\.json|draft\.json|journal\.jsonl|weights-\d+\.bin)$/;

/**
 * Reads what `pack.json` says and checks all of it that the app relies on: a disk may have damaged it, and an exported pack
 * comes from anywhere.
 * @throws {SyntaxError} the detail of what is wrong, as a part of a sentence
 */
export function parseManifest(text: string): PackManifest {
  if (!isBoundedJson(text)) throw new SyntaxError('it lists more than a pack has');
  const manifest = record(JSON.parse(text), 'it');
  if (manifest.format !== PACK_FORMAT) {
    throw new SyntaxError(
      typeof manifest.format === 'number'
        ? `it was made by another version of this app (layout ${manifest.format}, this one reads ${PACK_FORMAT})`
        : 'it is no list of a pack',
    );
  }
  const summary = record(manifest.summary, 'summary');
  for (const key of ['id', 'name', 'description']) string(summary[key], `summary.${key}`);
  if (!KINDS.includes(summary.kind as PackKind)) throw new SyntaxError('its kind is not known');
  checkPrecision(summary.precision);
  for (const key of ['byteLength', 'installedAt']) count(summary[key], `summary.${key}`);
  if (typeof summary.hasLearnedContexts !== 'boolean') throw new SyntaxError('summary.hasLearnedContexts is missing');
  for (const size of array(summary.imageSizes, 'summary.imageSizes')) count(size, 'summary.imageSizes');
  checkLicence(summary.licence);
  checkShownOrigin(summary.origin);
  checkOrigin(manifest.origin);

  const files = array(manifest.files, 'files');
  for (const path of files) {
    string(path, 'files');
    if (OWN_NAMES.test(storedName(path as string))) throw new SyntaxError(`a kept file is called "${path}"`);
  }
  const checksums = checkChecksums(manifest.checksums);
  for (const path of files) {
    if (!Object.hasOwn(checksums.files, path as string)) throw new SyntaxError(`"${path}" has no checksum`);
  }
  const parts = Object.values(record(manifest.parts, 'parts'));
  for (const part of parts) for (const weight of Object.values(record(part, 'parts'))) checkWeight(weight);
  checkFilled(parts as WeightIndex[], checksums.shards);
  return manifest as unknown as PackManifest;
}

/** @throws {SyntaxError} it is no weight in a shard */
export function checkWeight(value: unknown): StoredTensor {
  const { type, dims, shard, offset, byteLength } = record(value, 'a weight');
  const bytes = TYPE_BYTES[type as StoredType];
  if (bytes === undefined) throw new SyntaxError('a weight has no type');
  const sizes = array(dims, 'the shape of a weight');
  if (sizes.length > MAX_RANK) throw new SyntaxError('a weight has too many dimensions');
  for (const size of sizes) count(size, 'the shape of a weight');
  if (typeof shard !== 'string' || !isShardName(shard)) throw new SyntaxError('a weight lies in no shard');
  count(offset, 'the place of a weight');
  count(byteLength, 'the length of a weight');
  if ((sizes as number[]).reduce((product, size) => product * size, bytes) !== byteLength) {
    throw new SyntaxError('the length of a weight is not that of its shape');
  }
  return value as StoredTensor;
}

/** @throws {SyntaxError} it is no origin */
export function checkOrigin(value: unknown): PackOrigin {
  const origin = record(value, 'origin');
  for (const file of array(origin.files, 'origin.files')) {
    const { path, ...rest } = record(file, 'origin.files');
    string(path, 'origin.files');
    if (origin.from === 'files') {
      count(rest.size, 'origin.files');
      if (typeof rest.lastModified !== 'number') throw new SyntaxError('origin.files has no time');
    } else if (origin.from === 'hub') {
      for (const key of ['repository', 'revision', 'file', 'url']) string(rest[key], 'origin.files');
      if (!HOSTS.includes(rest.host)) throw new SyntaxError('origin.files has no host');
      count(rest.bytes, 'origin.files');
      if (rest.sha256 !== null) string(rest.sha256, 'origin.files');
    } else {
      throw new SyntaxError('origin is of no known kind');
    }
  }
  if (origin.from === 'files') string(origin.name, 'origin.name');
  return value as PackOrigin;
}

/** @throws {SyntaxError} */
export function checkPrecision(value: unknown): Precision {
  if (!PRECISIONS.includes(value as Precision)) throw new SyntaxError('its precision is not known');
  return value as Precision;
}

/** @throws {SyntaxError} */
export function checkKind(value: unknown): PackKind {
  if (!KINDS.includes(value as PackKind)) throw new SyntaxError('its kind is not known');
  return value as PackKind;
}

/** @throws {SyntaxError} it is neither null nor a licence */
export function checkLicence(value: unknown): void {
  if (value === null) return;
  const { name, url } = record(value, 'licence');
  string(name, 'licence');
  string(url, 'licence');
}

/** @throws {SyntaxError} it is no list of checksums of a shard */
export function checkShard(value: unknown, blockBytes: number): ShardChecksums {
  const { byteLength, sha256 } = record(value, 'a shard');
  count(byteLength, 'the length of a shard');
  const digests = array(sha256, 'the checksums of a shard');
  if (digests.length !== Math.ceil((byteLength as number) / blockBytes)) {
    throw new SyntaxError('a shard has not one checksum for each block');
  }
  for (const digest of digests) checkDigest(digest);
  return value as ShardChecksums;
}

function checkChecksums(value: unknown): PackChecksums {
  const { blockBytes, shards, files } = record(value, 'checksums');
  count(blockBytes, 'checksums.blockBytes');
  if (!((blockBytes as number) > 0 && (blockBytes as number) <= MAX_BLOCK_BYTES)) {
    throw new SyntaxError('its blocks have no usable length');
  }
  for (const [name, shard] of Object.entries(record(shards, 'checksums.shards'))) {
    if (!isShardName(name)) throw new SyntaxError('a shard has another name than shards have');
    checkShard(shard, blockBytes as number);
  }
  for (const file of Object.values(record(files, 'checksums.files'))) {
    const { byteLength, sha256 } = record(file, 'checksums.files');
    count(byteLength, 'checksums.files');
    checkDigest(sha256);
  }
  return value as PackChecksums;
}

/** Every byte of every shard belongs to exactly one weight. */
function checkFilled(parts: readonly WeightIndex[], shards: Readonly<Record<string, ShardChecksums>>): void {
  const weights = parts.flatMap((part) => Object.values(part));
  const ends = new Map(Object.keys(shards).map((shard) => [shard, 0]));
  for (const { shard, offset, byteLength } of weights.sort((a, b) => a.offset - b.offset)) {
    if (ends.get(shard) !== offset) throw new SyntaxError(`its weights leave a gap in "${shard}" or overlap there`);
    ends.set(shard, offset + byteLength);
  }
  for (const [shard, end] of ends) {
    if (end !== shards[shard]?.byteLength) throw new SyntaxError(`its weights do not fill "${shard}"`);
  }
}

function checkShownOrigin(value: unknown): void {
  const origin = record(value, 'summary.origin');
  if (origin.from === 'files') {
    string(origin.name, 'summary.origin');
    return;
  }
  for (const item of array(origin.repositories, 'summary.origin')) {
    const { repository, revision } = record(item, 'summary.origin');
    string(repository, 'summary.origin');
    string(revision, 'summary.origin');
  }
}

function checkDigest(value: unknown): void {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw new SyntaxError('a checksum is no SHA-256');
}

/** @throws {SyntaxError} it is no object */
export function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`${what} is not an object`);
  }
  const found = Object.keys(value).length;
  if (found > MAX_WEIGHTS) throw new SyntaxError(`${what} has ${found} entries`);
  return value as Record<string, unknown>;
}

/** @throws {SyntaxError} it is no array, or too long a one */
export function array(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value) || value.length > MAX_FILES) throw new SyntaxError(`${what} is no list`);
  return value;
}

/** @throws {SyntaxError} it is no text */
export function string(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new SyntaxError(`${what} is not a text`);
  return value;
}

/** @throws {SyntaxError} it is no whole number from 0 */
export function count(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new SyntaxError(`${what} is not a whole number`);
  return value as number;
}
