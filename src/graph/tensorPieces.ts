import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { DTYPE_BYTES } from '../checkpoint/dtypes.ts';
import { tensorRows } from '../checkpoint/tensorViews.ts';
import type { RecipeSource } from './weightRecipe.ts';

/** Most bytes of a published tensor that are read and converted at a time. */
export const PIECE_BYTES = 4 * 1024 ** 2;

/** Pieces have a multiple of so many rows, but for a tensor's last. */
const ROWS_MULTIPLE = 32;

/** A stretch of a tensor's bytes. */
export interface TensorPiece {
  readonly tensor: CheckpointTensor;
  readonly start: number;
  readonly end: number;
}

/** A stretch of a matrix `[rows, columns]`: whole rows, or a part of one row that is too long to be read at once. */
export interface MatrixPiece extends TensorPiece {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** The part of a tensor that a source uses, as a tensor. */
export function rowsOf(tensor: CheckpointTensor, rows: RecipeSource['rows']): CheckpointTensor {
  return rows ? tensorRows(tensor, tensor.name, { start: rows[0], end: rows[1] }) : tensor;
}

/** A tensor as a row of pieces of at most {@link PIECE_BYTES}; a tensor without elements has none. */
export function piecesOf(tensor: CheckpointTensor): TensorPiece[] {
  const pieces: TensorPiece[] = [];
  for (let start = 0; start < tensor.byteLength; start += PIECE_BYTES) {
    pieces.push({ tensor, start, end: Math.min(start + PIECE_BYTES, tensor.byteLength) });
  }
  return pieces;
}

/**
 * A matrix in pieces of at most {@link PIECE_BYTES}, each of whole rows where a row is not longer than that.
 * @param multiple parts of a longer row have a multiple of so many columns, but for the row's last; rows count as long as if
 *   they were filled up to it
 */
export function matrixPieces(
  tensor: CheckpointTensor,
  { columns, multiple }: { columns: number; multiple: number },
): MatrixPiece[] {
  const itemBytes = DTYPE_BYTES[tensor.dtype];
  const rowBytes = columns * itemBytes;
  const rows = rowBytes === 0 ? 0 : tensor.byteLength / rowBytes;
  const pieces: MatrixPiece[] = [];
  const add = (row: number, count: number, column: number, width: number) => {
    const start = row * rowBytes + column * itemBytes;
    pieces.push({ tensor, start, end: start + count * width * itemBytes, row, rows: count, column, columns: width });
  };
  let rowsAtOnce = Math.floor(PIECE_BYTES / itemBytes / (Math.ceil(columns / multiple) * multiple));
  if (rowsAtOnce > 0) {
    // Lines of the cache are filled whole where rows become columns.
    if (rowsAtOnce > ROWS_MULTIPLE) rowsAtOnce -= rowsAtOnce % ROWS_MULTIPLE;
    for (let row = 0; row < rows; row += rowsAtOnce) add(row, Math.min(rowsAtOnce, rows - row), 0, columns);
    return pieces;
  }
  const columnsAtOnce = Math.floor(PIECE_BYTES / itemBytes / multiple) * multiple;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += columnsAtOnce) {
      add(row, 1, column, Math.min(columnsAtOnce, columns - column));
    }
  }
  return pieces;
}

/** A finished array in pieces. */
export function* inPieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES) yield bytes.subarray(start, start + PIECE_BYTES);
}
