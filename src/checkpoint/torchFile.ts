import type { ByteSource } from './byteSource.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { checkpointError, DOWNLOAD_AGAIN, quote } from './checkpointError.ts';
import { DTYPE_BYTES } from './dtypes.ts';
import { MAX_PICKLE_BYTES, unpickle } from './pickle.ts';
import { isKind, type PickleTensor, type PickleValue } from './pickleValue.ts';
import { readExactly } from './readExactly.ts';
import { flattenStateDict } from './stateDict.ts';
import { gatherStrided, isContiguous, type StridedLayout, storageSpan } from './stridedTensor.ts';
import { elementCount, MAX_RANK } from './tensorShape.ts';
import { recogniseWrongFile } from './wrongFile.ts';
import { openZip, type ZipEntry } from './zip.ts';

/**
 * Largest tensor, in bytes, that may be larger than the part of the storage it views (`expand` repeats elements without
 * storing them): bounds what a small file can make its reader allocate.
 */
export const MAX_EXPANDED_BYTES = 64_000_000;

/** A pickled 0x1950a86a20f9469cfc6c, with which the format before PyTorch 1.6 begins, after its PROTO opcode. */
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/**
 * Opens a file written by `torch.save` (PyTorch 1.6 or later; `.pth`, `.pt`, `.bin`): a zip archive of a pickle and of
 * storages. Nothing in it is executed. Every tensor is checked against its storage before any is read; names as
 * {@link flattenStateDict} makes them.
 * @throws {UserError} `CheckpointError` for any bytes that are not such a file, having used less than 64 MB of memory
 */
export async function openTorchFile(source: ByteSource): Promise<Checkpoint> {
  await checkBeginning(source);
  const archive = await openZip(source);
  const { prefix, pickle } = findPickle(archive, source.name);
  await checkByteOrder(archive.get(`${prefix}byteorder`), source.name);
  if (pickle.size > MAX_PICKLE_BYTES) {
    throw checkpointError(
      source.name,
      `${quote(pickle.name)} has ${pickle.size} bytes, expected at most ${MAX_PICKLE_BYTES}; save only the state dict`,
    );
  }
  const root = unpickle(await pickle.read(), source.name);
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of flattenStateDict(root, source.name)) {
    tensors.set(name, checkTensor(name, tensor, { file: source.name, prefix, archive }));
  }
  return { tensors };
}

async function checkBeginning(source: ByteSource): Promise<void> {
  const head = await readExactly(source, 0, Math.min(source.size, 64));
  const wrong = recogniseWrongFile(head);
  if (wrong) throw checkpointError(source.name, wrong);
  if (LEGACY_MAGIC.every((byte, i) => head[i + 2] === byte)) {
    const saved = quote(source.name);
    throw checkpointError(
      source.name,
      `it is in PyTorch's format from before version 1.6; save it again in Python: torch.save(torch.load(${saved}, map_location="cpu"), ${saved})`,
    );
  }
  if (head[0] !== 0x50 || head[1] !== 0x4b) {
    throw checkpointError(source.name, 'it is not a file of torch.save, which is a zip archive; choose another file');
  }
}

/** All entries of torch's archive lie in one folder, named after the file it was first saved as. */
function findPickle(archive: ReadonlyMap<string, ZipEntry>, file: string): { prefix: string; pickle: ZipEntry } {
  const pickles = [...archive.values()].filter(({ name }) => /^([^/]+\/)?data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (!pickle || pickles.length > 1) {
    throw checkpointError(
      file,
      `its archive has ${pickles.length} "data.pkl", expected one; this is not a file of torch.save`,
    );
  }
  const prefix = pickle.name.slice(0, -'data.pkl'.length);
  if (archive.has(`${prefix}constants.pkl`)) {
    throw checkpointError(
      file,
      'it is a TorchScript program, expected a state dict; save it again in Python: torch.save(torch.jit.load(…).state_dict(), …)',
    );
  }
  return { prefix, pickle };
}

async function checkByteOrder(entry: ZipEntry | undefined, file: string): Promise<void> {
  // Written since PyTorch 2.1; before that only little-endian machines were supported.
  if (!entry) return;
  const order = new TextDecoder().decode(await entry.read(0, Math.min(entry.size, 16)));
  if (order !== 'little') {
    throw checkpointError(
      file,
      `its byte order is ${quote(order)}, expected "little"; save it on a little-endian machine`,
    );
  }
}

function checkTensor(
  name: string,
  { storage, ...view }: PickleTensor,
  { file, prefix, archive }: { file: string; prefix: string; archive: ReadonlyMap<string, ZipEntry> },
): CheckpointTensor {
  const fail = (detail: string) => checkpointError(file, `tensor ${quote(name)} ${detail}`);
  const { dtype, key } = storage;
  if (dtype === 'untyped') throw fail('has a storage without element type; save it again with a recent PyTorch');
  const shape = integers(view.shape);
  const stride = integers(view.stride);
  const offset = view.offset;
  const count = elementCount(shape);
  if (!shape || count === null) {
    throw fail(`has no valid shape, expected at most ${MAX_RANK} non-negative integers; ${DOWNLOAD_AGAIN}`);
  }
  if (
    !stride ||
    stride.length !== shape.length ||
    typeof offset !== 'number' ||
    !Number.isSafeInteger(offset) ||
    offset < 0
  ) {
    throw fail(`of shape [${shape}] has no valid strides or offset; ${DOWNLOAD_AGAIN}`);
  }
  const entry = archive.get(`${prefix}data/${key}`);
  if (!entry) throw fail(`lies in storage ${quote(key)}, which the archive does not have; ${DOWNLOAD_AGAIN}`);

  const itemSize = DTYPE_BYTES[dtype];
  if (storage.count * itemSize > entry.size) {
    throw fail(`has a storage of ${entry.size} bytes, expected ${storage.count * itemSize}; ${DOWNLOAD_AGAIN}`);
  }
  const layout: StridedLayout = { shape, stride };
  const span = storageSpan(layout);
  if (offset + span > storage.count) {
    throw fail(
      `of shape [${shape}] and strides [${stride}] reaches element ${offset + span} of a storage of ${storage.count}; ${DOWNLOAD_AGAIN}`,
    );
  }
  const byteLength = count * itemSize;
  if (count > span && byteLength > MAX_EXPANDED_BYTES) {
    throw fail(`repeats ${span} elements to ${count}; save it again after .contiguous()`);
  }
  return {
    name,
    dtype,
    shape,
    byteLength,
    file,
    position: entry.position + offset * itemSize,
    async read(start = 0, end = byteLength) {
      if (count === 0) return new Uint8Array(0);
      if (isContiguous(layout)) return entry.read(offset * itemSize + start, offset * itemSize + end);
      const bytes = await entry.read(offset * itemSize, (offset + span) * itemSize);
      return gatherStrided(bytes, { ...layout, itemSize }).subarray(start, end);
    },
  };
}

/** The items of a tuple or list of non-negative safe integers. */
function integers(value: PickleValue): number[] | null {
  if (!isKind(value, 'tuple') && !isKind(value, 'list')) return null;
  if (value.items.length > MAX_RANK) return null;
  const numbers = value.items.filter((item) => typeof item === 'number' && Number.isSafeInteger(item) && item >= 0);
  return numbers.length === value.items.length ? (numbers as number[]) : null;
}
