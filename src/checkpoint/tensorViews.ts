import type { CheckpointTensor } from './checkpoint.ts';
import { DTYPE_BYTES, readTensorBytes } from './dtypes.ts';
import { gatherStrided } from './stridedTensor.ts';

/** The same tensor by another name. */
export function renamedTensor(tensor: CheckpointTensor, name: string): CheckpointTensor {
  return { ...tensor, name };
}

/** Rows `[start, end)` of the first axis, as a tensor of their own. */
export function tensorRows(
  { dtype, file, position, shape, byteLength, read }: CheckpointTensor,
  name: string,
  { start, end }: { start: number; end: number },
): CheckpointTensor {
  const [count = 1, ...columns] = shape;
  const rowBytes = byteLength / count;
  const [begin, length] = [start * rowBytes, (end - start) * rowBytes];
  return {
    name,
    dtype,
    file,
    position: position + begin,
    shape: [end - start, ...columns],
    byteLength: length,
    read: (from = 0, to = length) => read(begin + from, begin + to),
  };
}

/** A matrix `[rows, columns]` as `[columns, rows]`; copied as a whole whenever any of it is read, so for small ones only. */
export function transposedTensor(tensor: CheckpointTensor, name: string): CheckpointTensor {
  const [rows = 1, columns = 1] = tensor.shape;
  const layout = { shape: [columns, rows], stride: [1, columns], itemSize: DTYPE_BYTES[tensor.dtype] };
  return {
    ...tensor,
    name,
    shape: layout.shape,
    read: async (from, to) => gatherStrided(await readTensorBytes(tensor), layout).subarray(from, to),
  };
}
