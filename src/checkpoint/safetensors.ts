import type { ByteSource } from './byteSource.ts';
import type { Checkpoint, CheckpointDtype, CheckpointTensor } from './checkpoint.ts';
import { checkpointError, DOWNLOAD_AGAIN, quote } from './checkpointError.ts';
import { DTYPE_BYTES, isCheckpointDtype } from './dtypes.ts';
import { type JsonMember, splitJsonMembers } from './jsonMembers.ts';
import { readExactly } from './readExactly.ts';
import { elementCount, MAX_RANK } from './tensorShape.ts';
import { recogniseWrongFile } from './wrongFile.ts';

/** Longest header, in bytes; the limit of the safetensors library itself. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Most tensors in one file: SDXL's UNet has 1,680. Bounds the memory a header can claim. */
export const MAX_TENSORS = 50_000;
/** Longest text of all tensor names together, in UTF-16 units; 150 for each of {@link MAX_TENSORS}. */
export const MAX_NAME_LENGTH_TOTAL = 7_500_000;
/** The object, its entries, their arrays; one entry may be a trainer's metadata, known to reach a few million characters. */
const ENTRY_LIMITS = { depth: 3, memberLength: 4_000_000, separators: 20_000 };
/** Bytes of the header read at a time. */
const HEADER_PIECE = 1 << 20;
const LENGTH_BYTES = 8;

/** Where a tensor lies, relative to the end of the header. */
interface Extent {
  readonly name: string;
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Opens one safetensors file. Only the header is read, and everything in it is checked before any tensor is: the format's
 * own rules (github.com/huggingface/safetensors, "Format"), including that the tensors fill the file without overlap
 * or hole. Metadata is checked and dropped.
 * @throws {UserError} `CheckpointError` for any bytes that are not such a file, having used less than 64 MB of memory
 */
export async function openSafetensors(source: ByteSource): Promise<Checkpoint> {
  const headerEnd = await headerExtent(source);
  const dataSize = source.size - headerEnd;
  const extents = new Map<string, Extent>();
  let nameLength = 0;
  let sawMetadata = false;
  try {
    for await (const member of splitJsonMembers(headerText(source, headerEnd), ENTRY_LIMITS)) {
      const [name, value] = parseMember(member);
      if (name === '__metadata__') {
        if (sawMetadata) throw new SyntaxError('"__metadata__" occurs twice');
        sawMetadata = true;
        checkMetadata(value);
        continue;
      }
      if (extents.has(name)) throw new SyntaxError(`tensor ${quote(name)} occurs twice`);
      nameLength += name.length;
      if (extents.size >= MAX_TENSORS || nameLength > MAX_NAME_LENGTH_TOTAL) {
        throw new SyntaxError(
          `it lists more than ${MAX_TENSORS} tensors, or ${MAX_NAME_LENGTH_TOTAL} characters of names`,
        );
      }
      extents.set(name, readExtent(name, value, { file: source.name, dataSize }));
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw checkpointError(source.name, `its safetensors header is not valid: ${error.message}; ${DOWNLOAD_AGAIN}`, {
      cause: error,
    });
  }
  checkTiling([...extents.values()], { file: source.name, dataSize });

  const tensors = new Map<string, CheckpointTensor>();
  for (const { name, dtype, shape, begin, end } of extents.values()) {
    tensors.set(name, {
      name,
      dtype,
      shape,
      byteLength: end - begin,
      file: source.name,
      position: headerEnd + begin,
      read: (from = 0, to = end - begin) => readExactly(source, headerEnd + begin + from, headerEnd + begin + to),
    });
  }
  return { tensors };
}

/** Reads the length of the header; returns where the header ends. */
async function headerExtent(source: ByteSource): Promise<number> {
  const head = await readExactly(source, 0, Math.min(source.size, 64));
  const wrong = recogniseWrongFile(head);
  if (wrong) throw checkpointError(source.name, wrong);
  if (source.size < LENGTH_BYTES + 2) {
    throw checkpointError(
      source.name,
      `it has ${source.size} bytes, a safetensors file at least 10; ${DOWNLOAD_AGAIN}`,
    );
  }
  const view = new DataView(head.buffer, head.byteOffset);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) {
    throw checkpointError(
      source.name,
      `its header would have ${length} bytes, expected at most ${MAX_HEADER_BYTES}; this is not a safetensors file`,
    );
  }
  if (length > source.size - LENGTH_BYTES) {
    throw checkpointError(
      source.name,
      `its header should have ${length} bytes, the file has ${source.size} in all; ${DOWNLOAD_AGAIN}`,
    );
  }
  return LENGTH_BYTES + length;
}

/** The header's text in pieces. A `SyntaxError` where it is not UTF-8. */
async function* headerText(source: ByteSource, end: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (let start = LENGTH_BYTES; start < end; start += HEADER_PIECE) {
    const pieceEnd = Math.min(start + HEADER_PIECE, end);
    const bytes = await readExactly(source, start, pieceEnd);
    let text: string;
    try {
      text = decoder.decode(bytes, { stream: pieceEnd < end });
    } catch {
      throw new SyntaxError('it is not UTF-8');
    }
    yield text;
  }
}

function parseMember(member: JsonMember): [name: string, value: Record<string, unknown>] {
  let entries: [string, unknown][];
  try {
    entries = Object.entries(JSON.parse(`{${member.text}}`));
  } catch {
    throw new SyntaxError(`${quote(member.text.trim())} is not JSON`);
  }
  const [entry] = entries;
  if (!entry || entries.length !== 1) throw new SyntaxError('an entry is missing after a comma');
  const [name, value] = entry;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`${quote(name)} is not an object`);
  }
  if (Object.keys(value).length !== member.keysInside) throw new SyntaxError(`${quote(name)} repeats a key`);
  return [name, value as Record<string, unknown>];
}

function checkMetadata(metadata: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new SyntaxError(`"__metadata__" has a ${quote(key)} that is not a string`);
  }
}

function readExtent(
  name: string,
  entry: Record<string, unknown>,
  { file, dataSize }: { file: string; dataSize: number },
): Extent {
  const fail = (detail: string) => checkpointError(file, `tensor ${quote(name)} ${detail}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isCheckpointDtype(dtype)) {
    throw fail(
      `has element type ${found(dtype)}, expected ${Object.keys(DTYPE_BYTES).join(', ')}; choose another precision of this model`,
    );
  }
  const count = elementCount(shape);
  if (count === null) {
    throw fail(
      `has shape ${found(shape)}, expected at most ${MAX_RANK} non-negative integers with a product below 2^53; ${DOWNLOAD_AGAIN}`,
    );
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((x) => Number.isSafeInteger(x) && x >= 0)) {
    throw fail(`has data_offsets ${found(offsets)}, expected two non-negative integers; ${DOWNLOAD_AGAIN}`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end)
    throw fail(`has data_offsets ${found(offsets)}, expected the first not above the second; ${DOWNLOAD_AGAIN}`);
  if (end > dataSize) {
    throw fail(`ends at byte ${end} of the data, found only ${dataSize} bytes of data; ${DOWNLOAD_AGAIN}`);
  }
  const expected = count * DTYPE_BYTES[dtype];
  if (end - begin !== expected) {
    throw fail(
      `has ${end - begin} bytes, expected ${expected} for ${dtype} of shape ${found(shape)}; ${DOWNLOAD_AGAIN}`,
    );
  }
  return { name, dtype, shape: shape as number[], begin, end };
}

/** The format wants every byte after the header to belong to exactly one tensor. */
function checkTiling(extents: Extent[], { file, dataSize }: { file: string; dataSize: number }): void {
  extents.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of extents) {
    if (begin !== covered) {
      const what = begin < covered ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw checkpointError(
        file,
        `tensor ${quote(name)} ${what}: it starts at byte ${begin} of the data, expected ${covered}; ${DOWNLOAD_AGAIN}`,
      );
    }
    covered = end;
  }
  if (covered !== dataSize) {
    throw checkpointError(
      file,
      `its tensors have ${covered} bytes, found ${dataSize} after the header; ${DOWNLOAD_AGAIN}`,
    );
  }
}

/** A parsed value for an error message. */
function found(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
