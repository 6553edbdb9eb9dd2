import type { Checkpoint, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { float32ToFloat16 } from '../checkpoint/float16.ts';
import { UserError } from '../errors.ts';
import { QUANTISATION_BLOCK, type QuantisedBits, quantiseMatrix } from './blockQuantisation.ts';
import { consumedTensors, type WeightRecipe } from './weightRecipe.ts';
import type { Precision, ShardSink, StoredTensor, StoredType, WeightIndex } from './weights.ts';

/** Progress of compiling, in bytes of the stored weights' sources. */
export interface CompileProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CompileOptions {
  readonly precision: Precision;
  readonly sink: ShardSink;
  readonly onProgress?: (progress: CompileProgress) => void;
  /** Checked before every tensor; its reason is thrown. */
  readonly signal?: AbortSignal;
}

const QUANTISED_BITS: Readonly<Partial<Record<Precision, QuantisedBits>>> = { q8: 8, q4: 4 };
const WEIGHT_DTYPES: ReadonlySet<string> = new Set(['F64', 'F32', 'F16', 'BF16']);
/** How many names an error message lists. */
const MAX_NAMED = 3;

/**
 * Stores the weights of a model, reading one published tensor at a time.
 * @param recipes what to store, in this order
 * @returns where each weight lies; a quantised `x.weight` is accompanied by `x.scales`
 * @throws {UserError} `CheckpointError`: a tensor is missing, has another shape or type than the config says, or holds
 *   numbers the precision cannot
 */
export async function compileWeights(
  { checkpoint, recipes }: { checkpoint: Checkpoint; recipes: readonly WeightRecipe[] },
  { precision, sink, onProgress, signal }: CompileOptions,
): Promise<WeightIndex> {
  checkTensors(checkpoint, recipes);
  const sizeOf = (recipe: WeightRecipe) =>
    recipe.sources.reduce((sum, { tensor }) => sum + find(checkpoint, tensor).byteLength, 0);
  const totalBytes = recipes.reduce((sum, recipe) => sum + sizeOf(recipe), 0);

  const index: Record<string, StoredTensor> = {};
  let doneBytes = 0;
  for (const recipe of recipes) {
    for (const { name, type, dims, pieces } of await encodeRecipe(checkpoint, recipe, { precision, signal })) {
      const bytes = concatenate(pieces);
      const { shard, offset } = await sink.append(bytes);
      index[name] = { type, dims, shard, offset, byteLength: bytes.byteLength };
    }
    doneBytes += sizeOf(recipe);
    onProgress?.({ doneBytes, totalBytes });
  }
  return index;
}

/** A stored tensor before it is written: the bytes of its parts, one after another. */
interface Encoded {
  readonly name: string;
  readonly type: StoredType;
  readonly dims: readonly number[];
  readonly pieces: Uint8Array[];
}

async function encodeRecipe(
  checkpoint: Checkpoint,
  { name, dims, kind, sources, derive }: WeightRecipe,
  { precision, signal }: { precision: Precision; signal: AbortSignal | undefined },
): Promise<Encoded[]> {
  const read = async (tensorName: string) => {
    signal?.throwIfAborted();
    return readFinite(find(checkpoint, tensorName));
  };
  const floatType: StoredType = precision === 'fp32' || kind === 'exact' ? 'float32' : 'float16';
  const bits = kind === 'linear' ? QUANTISED_BITS[precision] : undefined;

  if (bits !== undefined) {
    const [rows = 0, columns = 0] = dims;
    const blocks = Math.ceil(columns / QUANTISATION_BLOCK);
    const blockBytes = (QUANTISATION_BLOCK * bits) / 8;
    const weight: Encoded = { name, type: 'uint8', dims: [rows, blocks, blockBytes], pieces: [] };
    const scales: Encoded = { name: scalesName(name), type: floatType, dims: [rows, blocks], pieces: [] };
    for (const { tensor } of sources) {
      const matrix = quantiseMatrix(await read(tensor), { columns, bits, scaleType: floatType });
      weight.pieces.push(matrix.packed);
      scales.pieces.push(encodeFloats(matrix.scales, { type: floatType, tensor: find(checkpoint, tensor) }));
    }
    return [weight, scales];
  }

  const stored: Encoded = { name, type: floatType, dims, pieces: [] };
  if (derive) {
    const values: Float32Array[] = [];
    for (const { tensor } of sources) values.push(await read(tensor));
    const first = find(checkpoint, sources[0]?.tensor ?? '');
    stored.pieces.push(encodeFloats(derive(...values), { type: floatType, tensor: first }));
  } else {
    for (const { tensor } of sources) {
      stored.pieces.push(encodeFloats(await read(tensor), { type: floatType, tensor: find(checkpoint, tensor) }));
    }
  }
  return [stored];
}

/** Name of a quantised weight's scales. */
export function scalesName(weightName: string): string {
  return weightName.replace(/weight$/, 'scales');
}

function encodeFloats(
  values: Float32Array,
  { type, tensor }: { type: StoredType; tensor: CheckpointTensor },
): Uint8Array {
  if (type === 'float32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = float32ToFloat16(values);
  if (halves.some((half) => (half & 0x7c00) === 0x7c00)) {
    throw cannotLoad(tensor, 'holds numbers beyond 65504, which half precision cannot; choose fp32');
  }
  return new Uint8Array(halves.buffer);
}

async function readFinite(tensor: CheckpointTensor): Promise<Float32Array> {
  const values = await tensorAsFloat32(tensor);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw cannotLoad(tensor, 'holds NaN or infinity; the file is damaged or its training failed');
    }
  }
  return values;
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.byteLength;
  }
  return whole;
}

/** Compares the checkpoint with what the recipes need before anything is read. */
function checkTensors(checkpoint: Checkpoint, recipes: readonly WeightRecipe[]): void {
  const needed = consumedTensors(recipes);
  const missing = [...needed.keys()].filter((name) => !checkpoint.tensors.has(name));
  if (missing.length > 0) {
    throw new UserError('CheckpointError', `Cannot load the model: ${list(missing)} missing from its files`);
  }
  for (const [name, shape] of needed) {
    const tensor = find(checkpoint, name);
    if (tensor.shape.join() !== shape.join()) {
      throw cannotLoad(tensor, `is [${tensor.shape}], expected [${shape}]; config.json belongs to another model`);
    }
    if (!WEIGHT_DTYPES.has(tensor.dtype)) {
      throw cannotLoad(tensor, `is ${tensor.dtype}, expected F32, F16 or BF16; use the weights before quantisation`);
    }
  }
  const unexpected = [...checkpoint.tensors.keys()].filter((name) => !needed.has(name) && !isBuffer(name));
  if (unexpected.length > 0) {
    throw new UserError(
      'CheckpointError',
      `Cannot load the model: ${list(unexpected)} not expected by its config.json; this is another kind of model`,
    );
  }
}

/** Buffers that old versions of transformers saved: 0, 1, 2, … */
function isBuffer(name: string): boolean {
  return name.endsWith('.position_ids');
}

function find(checkpoint: Checkpoint, name: string): CheckpointTensor {
  const tensor = checkpoint.tensors.get(name);
  if (!tensor) throw new RangeError(`No tensor "${name}"`);
  return tensor;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).map((name) => `"${name}"`);
  const rest = names.length - shown.length;
  if (rest > 0) shown.push(`${rest} more`);
  return `${names.length === 1 ? 'tensor' : 'tensors'} ${shown.join(', ')} ${names.length === 1 ? 'is' : 'are'}`;
}

function cannotLoad(tensor: CheckpointTensor, detail: string): UserError {
  return new UserError('CheckpointError', `Cannot load "${tensor.file}": tensor "${tensor.name}" ${detail}`);
}
