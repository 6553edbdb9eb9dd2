import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { DTYPE_BYTES } from '../checkpoint/dtypes.ts';
import { QUANTISATION_BLOCK, type QuantisedBits, quantiseMatrix } from './blockQuantisation.ts';
import { finiteFloats, placeSingles, storedFloats } from './castPiece.ts';
import { WeightKernel } from './weightKernel.ts';

/**
 * {@link quantiseMatrix} of a published piece, to its finished bytes: in WebAssembly where there is a kernel, bit for bit.
 * @param piece rows of `columns` weights
 * @returns `packed` is good until the next call; `scales` in `scaleType`
 * @throws {UserError} `CheckpointError` naming the tensor, where a weight is NaN or infinite, or a scale too large for its type
 */
export function quantisePiece(
  piece: Uint8Array<ArrayBuffer>,
  {
    tensor,
    kernel,
    ...options
  }: {
    tensor: CheckpointTensor;
    kernel: WeightKernel | null;
    columns: number;
    bits: QuantisedBits;
    scaleType: 'float32' | 'float16';
  },
): { packed: Uint8Array<ArrayBuffer>; scales: Uint8Array<ArrayBuffer> } {
  const { columns, bits, scaleType } = options;
  if (!kernel) {
    const { packed, scales } = quantiseMatrix(finiteFloats(piece, tensor), options);
    return { packed, scales: storedFloats(scales, tensor, scaleType) };
  }
  const rows = piece.byteLength / DTYPE_BYTES[tensor.dtype] / columns;
  const paddedColumns = Math.ceil(columns / QUANTISATION_BLOCK) * QUANTISATION_BLOCK;
  const blocks = (rows * paddedColumns) / QUANTISATION_BLOCK;
  const isPadded = paddedColumns !== columns;
  const [paddedAt, paddedBytes] = [WeightKernel.ROOM, isPadded ? rows * paddedColumns * 4 : 0];
  const [scalesAt, scaleBytes] = [paddedAt + paddedBytes, aligned(blocks * 4)];
  const [halvesAt, halfBytes] = [scalesAt + scaleBytes, aligned(blocks * 2)];
  const [packedAt, packedBytes] = [halvesAt + halfBytes, (blocks * QUANTISATION_BLOCK * bits) / 8];
  kernel.reserve(packedAt + packedBytes - WeightKernel.ROOM);
  let at = placeSingles(piece, { tensor, kernel });
  if (isPadded) {
    const published = kernel.bytes(at, rows * columns * 4);
    const padded = kernel.bytes(paddedAt, paddedBytes).fill(0);
    for (let row = 0; row < rows; row++) {
      padded.set(published.subarray(row * columns * 4, (row + 1) * columns * 4), row * paddedColumns * 4);
    }
    at = paddedAt;
  }
  kernel.run[bits === 4 ? 'scales4' : 'scales8'](at, scalesAt, blocks);
  let scales = kernel.bytes(scalesAt, blocks * 4);
  if (scaleType === 'float16') {
    // As plain loops round them; weights are rounded against the scale that will be used.
    scales = storedFloats(new Float32Array(scales.buffer, scalesAt, blocks), tensor, scaleType);
    kernel.bytes(halvesAt, halfBytes).set(scales);
    kernel.run.halvesToSingles(halvesAt, scalesAt, blocks);
  }
  kernel.run.levels(at, scalesAt, packedAt, blocks, bits);
  return { packed: kernel.bytes(packedAt, packedBytes), scales: scaleType === 'float16' ? scales : scales.slice() };
}

/** Places in the kernel's memory begin at multiples of 16, with room for what is written beyond the last item. */
function aligned(byteLength: number): number {
  return Math.ceil(byteLength / 16) * 16 + 16;
}
