import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { QUANTISATION_BLOCK, type QuantisedBits } from './blockQuantisation.ts';
import { castPiece, finiteFloats, storedFloats } from './castPiece.ts';
import { quantisePiece } from './quantisePiece.ts';
import { layoutOf } from './storedLayout.ts';
import { matrixPieces, piecesOf, type TensorPiece } from './tensorPieces.ts';
import type { TransposedBands } from './transposedBands.ts';
import type { WeightKernel } from './weightKernel.ts';
import type { WeightRecipe } from './weightRecipe.ts';
import type { Precision, TensorLayout } from './weights.ts';

/** One read, and what becomes of its bytes. */
export interface EncodeStep {
  readonly piece: TensorPiece;
  /** The stored bytes that are finished now, in order; each valid until the next is asked for. */
  encode(bytes: Uint8Array<ArrayBuffer>): Iterable<Uint8Array>;
}

/** One stored tensor, and how to make it. */
export interface EncodedTensor {
  readonly layout: TensorLayout;
  readonly steps: readonly EncodeStep[];
  /** Stored bytes that need no read of their own, after those of the steps. */
  readonly rest?: () => Iterable<Uint8Array>;
}

/**
 * How a recipe's tensors are made from pieces of published ones, in the order in which they are stored; one needs the steps of
 * those before it. Nothing is read or allocated yet.
 * @param sources the published tensors of the recipe's sources, their rows chosen
 */
export function encodeRecipe(
  recipe: WeightRecipe,
  sources: readonly CheckpointTensor[],
  { precision, kernel, bands }: { precision: Precision; kernel: WeightKernel | null; bands: TransposedBands },
): EncodedTensor[] {
  const layout = layoutOf(recipe, precision);
  if ('bits' in layout) return quantised(layout, { sources, columns: recipe.dims[1] as number, kernel });
  const { floats, transposed } = layout;
  if (transposed) return [{ layout: floats, steps: bands.steps(floats, sources) }];
  if (recipe.derive) return [{ layout: floats, steps: derived(floats, { sources, derive: recipe.derive }) }];
  const steps = sources.flatMap(piecesOf).map(
    (piece): EncodeStep => ({
      piece,
      encode: (bytes) => [castPiece(bytes, { tensor: piece.tensor, type: floats.type, kernel })],
    }),
  );
  return [{ layout: floats, steps }];
}

function derived(
  { type }: TensorLayout,
  { sources, derive }: { sources: readonly CheckpointTensor[]; derive: (...values: Float32Array[]) => Float32Array },
): EncodeStep[] {
  const values: Float32Array[] = [];
  return sources.map((tensor, i) => ({
    piece: { tensor, start: 0, end: tensor.byteLength },
    encode(bytes) {
      values.push(finiteFloats(bytes, tensor));
      if (i < sources.length - 1) return [];
      return [storedFloats(derive(...values.splice(0)), sources[0] as CheckpointTensor, type)];
    },
  }));
}

/** Blocks of weights as they are read; their scales, a few hundredths of the bytes, wait until the weights are stored. */
function quantised(
  { bits, packed, scales }: { bits: QuantisedBits; packed: TensorLayout; scales: TensorLayout },
  { sources, columns, kernel }: { sources: readonly CheckpointTensor[]; columns: number; kernel: WeightKernel | null },
): EncodedTensor[] {
  const scaleType = scales.type === 'float32' ? 'float32' : 'float16';
  let waiting: Uint8Array[] = [];
  const pieces = sources.flatMap((tensor) => matrixPieces(tensor, { columns, multiple: QUANTISATION_BLOCK }));
  const steps = pieces.map(
    (piece): EncodeStep => ({
      piece,
      encode(bytes) {
        const { tensor, columns } = piece;
        const matrix = quantisePiece(bytes, { tensor, kernel, columns, bits, scaleType });
        waiting.push(matrix.scales);
        return [matrix.packed];
      },
    }),
  );
  return [
    { layout: packed, steps },
    {
      layout: scales,
      steps: [],
      *rest() {
        yield* waiting;
        waiting = [];
      },
    },
  ];
}
