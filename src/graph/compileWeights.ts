import type { Checkpoint, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { checkTensors, sourceTensor } from './checkTensors.ts';
import { type EncodedTensor, encodeRecipe } from './encodeRecipe.ts';
import { ReadAhead } from './readAhead.ts';
import { rowsOf } from './tensorPieces.ts';
import { TransposedBands } from './transposedBands.ts';
import { WeightKernel } from './weightKernel.ts';
import type { WeightRecipe } from './weightRecipe.ts';
import type { Precision, ShardSink, StoredTensor, TensorLayout, WeightIndex } from './weights.ts';

/** Progress of compiling, in bytes read from the checkpoint; those of weights stored before count as read. */
export interface CompileProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CompileOptions {
  readonly precision: Precision;
  readonly sink: ShardSink;
  /** Called after every few MB. */
  readonly onProgress?: (progress: CompileProgress) => void;
  /** Checked before every few MB; its reason is thrown. */
  readonly signal?: AbortSignal;
  /**
   * Weights that are stored already, as an interrupted run left them or as a pack has them. One that has the shape, type and
   * size it would have now is not read again, and stays in the index where it is.
   */
  readonly stored?: WeightIndex;
  /** Names of the weights to write, stored already or not; no others are read. All that are not `stored` by default. */
  readonly only?: ReadonlySet<string>;
}

/**
 * Stores the weights of a model, in the order in which the checkpoint's files have them, so that one pass over each file gives
 * nearly everything. Reads a few MB ahead and hands on a few MB at a time; holds no more than that, but for a matrix that
 * is stored transposed (up to `BAND_BYTES` of it) and the scales of a quantised one.
 * @param model `recipes`: what to store
 * @returns where each weight lies, in the order of the recipes; a quantised `x.weight` is accompanied by `x.scales`
 * @throws {UserError} `CheckpointError`: a tensor is missing, unexpected, has another shape or type than the config says,
 *   or holds numbers that the precision cannot
 */
export async function compileWeights(
  { checkpoint, recipes }: { checkpoint: Checkpoint; recipes: readonly WeightRecipe[] },
  { precision, sink, onProgress, signal, stored = {}, only }: CompileOptions,
): Promise<WeightIndex> {
  checkTensors(checkpoint, recipes);
  const kernel = WeightKernel.create();
  const bands = new TransposedBands({ kernel });
  const planned = recipes.map((recipe) => planRecipe(recipe, { checkpoint, precision, kernel, bands }));

  const places = new Map<string, StoredTensor>();
  for (const { tensors } of planned) {
    for (const { layout } of tensors) {
      const place = Object.hasOwn(stored, layout.name) ? stored[layout.name] : undefined;
      if (place && hasLayout(place, layout)) places.set(layout.name, place);
    }
  }
  const isWanted = ({ name }: TensorLayout) => (only ? only.has(name) : !places.has(name));
  const wanted = planned.filter(({ tensors }) => tensors.some(({ layout }) => isWanted(layout)));
  wanted.sort(inFileOrder);

  const totalBytes = bytesToRead(only ? wanted : planned);
  let doneBytes = totalBytes - bytesToRead(wanted);
  if (doneBytes > 0) onProgress?.({ doneBytes, totalBytes });
  const reads = new ReadAhead(
    wanted.flatMap(({ tensors }) => tensors.flatMap(({ steps }) => steps.map(({ piece }) => piece))),
    { signal },
  );
  async function* encode({ steps, rest }: EncodedTensor): AsyncGenerator<Uint8Array> {
    for (const { piece, encode } of steps) {
      for (const bytes of encode(await reads.next())) {
        yield bytes;
        signal?.throwIfAborted();
      }
      doneBytes += piece.end - piece.start;
      onProgress?.({ doneBytes, totalBytes });
    }
    if (rest) yield* rest();
  }
  for (const { tensors } of wanted) {
    for (const tensor of tensors) {
      signal?.throwIfAborted();
      const { layout } = tensor;
      if (isWanted(layout)) {
        const { name, ...kept } = layout;
        places.set(name, { ...kept, ...(await store(layout, { sink, pieces: encode(tensor) })) });
      } else {
        // Stored already, but what is made beside it is not.
        for await (const _ of encode(tensor));
      }
    }
  }
  const names = planned.flatMap(({ tensors }) => tensors.map(({ layout }) => layout.name));
  return Object.fromEntries(
    names.filter((name) => places.has(name)).map((name) => [name, places.get(name) as StoredTensor]),
  );
}

interface PlannedRecipe {
  readonly tensors: readonly EncodedTensor[];
  /** What it needs that lies furthest on in the files. */
  readonly file: string;
  readonly position: number;
}

function planRecipe(
  recipe: WeightRecipe,
  { checkpoint, ...options }: { checkpoint: Checkpoint } & Parameters<typeof encodeRecipe>[2],
): PlannedRecipe {
  const sources = recipe.sources.map((source) =>
    rowsOf(sourceTensor(checkpoint, source) as CheckpointTensor, source.rows),
  );
  const last = sources.reduce((a, b) => (inFileOrder(a, b) < 0 ? b : a));
  return { tensors: encodeRecipe(recipe, sources, options), file: last.file, position: last.position };
}

type InFile = Pick<CheckpointTensor, 'file' | 'position'>;

/**
 * A recipe of several tensors has its turn at the last of them: whoever reads the file as a stream has passed the others a
 * moment ago. At the first of them it would carry the stream past everything between it and the last.
 */
function inFileOrder(a: InFile, b: InFile): number {
  if (a.file === b.file) return a.position - b.position;
  return a.file < b.file ? -1 : 1;
}

function bytesToRead(planned: readonly PlannedRecipe[]): number {
  let sum = 0;
  for (const { tensors } of planned) {
    for (const { steps } of tensors) for (const { piece } of steps) sum += piece.end - piece.start;
  }
  return sum;
}

function hasLayout(place: StoredTensor, { type, dims, byteLength }: TensorLayout): boolean {
  return place.type === type && place.byteLength === byteLength && place.dims.join() === dims.join();
}

/** Hands a tensor to the sink; what its making throws is thrown as it is, whatever the sink makes of it. */
async function store(
  layout: TensorLayout,
  { sink, pieces }: { sink: ShardSink; pieces: AsyncIterable<Uint8Array> },
): Promise<{ shard: string; offset: number }> {
  let failure: { readonly error: unknown } | null = null;
  let byteLength = 0;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of pieces) {
        byteLength += piece.byteLength;
        yield piece;
      }
      if (byteLength !== layout.byteLength) {
        throw new RangeError(`Weight "${layout.name}" has ${byteLength} bytes, its recipe says ${layout.byteLength}`);
      }
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  try {
    const { shard, offset } = await sink.append(layout, watched());
    return { shard, offset };
  } catch (error) {
    const { error: cause } = failure ?? { error };
    throw cause;
  }
}
