import type { Checkpoint, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { float32ToFloat16 } from '../checkpoint/float16.ts';
import { quantiseMatrix } from './blockQuantisation.ts';
import { cannotLoadTensor, checkTensors, sourceTensor } from './checkTensors.ts';
import { layoutOf } from './storedLayout.ts';
import type { RecipeSource, WeightRecipe } from './weightRecipe.ts';
import type { Precision, ShardSink, StoredTensor, StoredType, TensorLayout, WeightIndex } from './weights.ts';

/** Progress of compiling, in bytes read from the checkpoint. */
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

/**
 * Stores the weights of a model. Holds one published tensor at a time, and the finished bytes of one stored tensor.
 * @param model `recipes`: what to store, in this order
 * @returns where each weight lies; a quantised `x.weight` is accompanied by `x.scales`
 * @throws {UserError} `CheckpointError`: a tensor is missing, unexpected, has another shape or type than the config says,
 *   or holds numbers that the precision cannot
 */
export async function compileWeights(
  { checkpoint, recipes }: { checkpoint: Checkpoint; recipes: readonly WeightRecipe[] },
  { precision, sink, onProgress, signal }: CompileOptions,
): Promise<WeightIndex> {
  checkTensors(checkpoint, recipes);
  const sourcesOf = ({ sources }: WeightRecipe) =>
    sources.map((source) => rowsOf(sourceTensor(checkpoint, source) as CheckpointTensor, source.rows));
  const sizeOf = (recipe: WeightRecipe) => sourcesOf(recipe).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const totalBytes = recipes.reduce((sum, recipe) => sum + sizeOf(recipe), 0);

  const index: Record<string, StoredTensor> = {};
  let doneBytes = 0;
  for (const recipe of recipes) {
    for (const { layout, bytes } of await encode(recipe, sourcesOf(recipe), { precision, signal })) {
      const { name, ...tensor } = layout;
      if (bytes.byteLength !== tensor.byteLength) {
        throw new RangeError(`Weight "${name}" has ${bytes.byteLength} bytes, its recipe says ${tensor.byteLength}`);
      }
      index[name] = { ...tensor, ...(await sink.append(layout, [bytes])) };
    }
    doneBytes += sizeOf(recipe);
    onProgress?.({ doneBytes, totalBytes });
  }
  return index;
}

interface Encoded {
  readonly layout: TensorLayout;
  readonly bytes: Uint8Array;
}

async function encode(
  recipe: WeightRecipe,
  sources: readonly CheckpointTensor[],
  { precision, signal }: { precision: Precision; signal: AbortSignal | undefined },
): Promise<Encoded[]> {
  const layout = layoutOf(recipe, precision);
  if ('bits' in layout) {
    const { bits, packed, scales } = layout;
    const parts = { packed: [] as Uint8Array[], scales: [] as Uint8Array[] };
    for (const tensor of sources) {
      const values = await readFinite(tensor, signal);
      const matrix = quantiseMatrix(values, { columns: recipe.dims[1] as number, bits, scaleType: floatType(scales) });
      parts.packed.push(matrix.packed);
      parts.scales.push(encodeFloats(matrix.scales, tensor, scales.type));
    }
    return [
      { layout: packed, bytes: concatenate(parts.packed) },
      { layout: scales, bytes: concatenate(parts.scales) },
    ];
  }

  const { floats, transposed } = layout;
  const parts: Uint8Array[] = [];
  if (transposed) {
    const whole = new Float32Array(recipe.dims.reduce((product, dim) => product * dim, 1));
    const columns = floats.dims[1] as number;
    let column = 0;
    for (const tensor of sources) {
      const values = await readFinite(tensor, signal);
      const rows = tensor.shape[0] as number;
      transposeInto(whole, values, { rows, columns, column });
      column += rows;
    }
    parts.push(encodeFloats(whole, sources[0] as CheckpointTensor, floats.type));
  } else if (recipe.derive) {
    const values: Float32Array[] = [];
    for (const tensor of sources) values.push(await readFinite(tensor, signal));
    parts.push(encodeFloats(recipe.derive(...values), sources[0] as CheckpointTensor, floats.type));
  } else {
    for (const tensor of sources) parts.push(encodeFloats(await readFinite(tensor, signal), tensor, floats.type));
  }
  return [{ layout: floats, bytes: concatenate(parts) }];
}

/** The part of a tensor that a source uses. */
function rowsOf(tensor: CheckpointTensor, rows: RecipeSource['rows']): CheckpointTensor {
  if (!rows) return tensor;
  const [start, end] = rows;
  const { name, dtype, file } = tensor;
  const [count = 0, ...columns] = tensor.shape;
  const rowBytes = tensor.byteLength / count;
  const read = async () => (await tensor.read()).subarray(start * rowBytes, end * rowBytes);
  return { name, dtype, file, shape: [end - start, ...columns], byteLength: (end - start) * rowBytes, read };
}

async function readFinite(tensor: CheckpointTensor, signal: AbortSignal | undefined): Promise<Float32Array> {
  signal?.throwIfAborted();
  const values = await tensorAsFloat32(tensor);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw cannotLoadTensor(tensor, 'holds NaN or infinity; the file is damaged or its training failed');
    }
  }
  return values;
}

function encodeFloats(values: Float32Array, tensor: CheckpointTensor, type: StoredType): Uint8Array {
  if (type === 'float32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = float32ToFloat16(values);
  if (halves.some((half) => (half & 0x7c00) === 0x7c00)) {
    throw cannotLoadTensor(tensor, 'holds numbers beyond 65504, which half precision cannot; choose fp32');
  }
  return new Uint8Array(halves.buffer);
}

/** Side of the squares a matrix is transposed in, so that what is read and what is written both stay in the cache. */
const TRANSPOSE_TILE = 16;

/**
 * Writes the rows of a matrix as columns of a wider one.
 * @param values `[rows, …]`
 * @param place `columns` of the wider matrix, `column` where the first row goes
 */
function transposeInto(
  target: Float32Array,
  values: Float32Array,
  { rows, columns, column }: { rows: number; columns: number; column: number },
): void {
  const inputs = values.length / rows;
  for (let row0 = 0; row0 < rows; row0 += TRANSPOSE_TILE) {
    const rowEnd = Math.min(row0 + TRANSPOSE_TILE, rows);
    for (let input0 = 0; input0 < inputs; input0 += TRANSPOSE_TILE) {
      const inputEnd = Math.min(input0 + TRANSPOSE_TILE, inputs);
      for (let input = input0; input < inputEnd; input++) {
        for (let row = row0; row < rowEnd; row++) {
          target[input * columns + column + row] = values[row * inputs + input] as number;
        }
      }
    }
  }
}

function floatType({ type }: TensorLayout): 'float32' | 'float16' {
  return type === 'float32' ? 'float32' : 'float16';
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
