import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { castPiece } from './castPiece.ts';
import type { EncodeStep } from './encodeRecipe.ts';
import { inPieces, type MatrixPiece, matrixPieces } from './tensorPieces.ts';
import type { TensorLayout } from './weights.ts';

/**
 * Most bytes of a transposed matrix that are held at a time. Every matrix of a published model fits; of a larger one the
 * sources are read once for each such part.
 */
export const BAND_BYTES = 128 * 1024 ** 2;

/** Side of the squares a matrix is transposed in, so that what is read and what is written both stay in the cache. */
const TILE = 16;

type Items = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/**
 * Stores `[out, in]` matrices as `[in, out]`: pieces are cast as they are read and their rows written as columns of a band, some
 * rows of the stored matrix, which is handed on when its last piece was read. One band's memory serves all matrices.
 */
export class TransposedBands {
  readonly #limit: number;
  #memory = new ArrayBuffer(0);

  /** @param options `limit`: bytes of a band */
  constructor({ limit = BAND_BYTES }: { limit?: number } = {}) {
    this.#limit = limit;
  }

  /**
   * @param layout of the transposed matrix
   * @param sources matrices whose rows, one after another, are its columns
   */
  steps({ type, dims, byteLength }: TensorLayout, sources: readonly CheckpointTensor[]): EncodeStep[] {
    const [inputs = 0, outputs = 0] = dims;
    const inputsAtOnce = Math.max(1, Math.floor(this.#limit / (byteLength / inputs)));
    const pieces: { readonly piece: MatrixPiece; readonly output: number }[] = [];
    let output = 0;
    for (const tensor of sources) {
      for (const piece of matrixPieces(tensor, { columns: inputs, multiple: 1 })) {
        pieces.push({ piece, output: output + piece.row });
      }
      output += tensor.shape[0] as number;
    }
    const steps: EncodeStep[] = [];
    for (let first = 0; first < inputs; first += inputsAtOnce) {
      const last = Math.min(first + inputsAtOnce, inputs);
      const inBand = pieces.filter(({ piece }) => piece.column < last && piece.column + piece.columns > first);
      for (const [i, { piece, output }] of inBand.entries()) {
        steps.push({
          piece,
          encode: (bytes) => {
            const cast = castPiece(bytes, piece.tensor, type);
            const band = this.#band((last - first) * outputs, type === 'float32' ? Uint32Array : Uint16Array);
            transposeInto(band, itemsOf(cast, band), { ...piece, first, last, outputs, output });
            return i === inBand.length - 1 ? inPieces(new Uint8Array(band.buffer, 0, band.byteLength)) : [];
          },
        });
      }
    }
    return steps;
  }

  #band(length: number, Type: typeof Uint16Array | typeof Uint32Array): Items {
    const byteLength = length * Type.BYTES_PER_ELEMENT;
    if (this.#memory.byteLength < byteLength) this.#memory = new ArrayBuffer(byteLength);
    return new Type(this.#memory, 0, length);
  }
}

/** The numbers as bits: no engine alters them on their way. */
function itemsOf(bytes: Uint8Array, like: Items): Items {
  const { buffer, byteOffset } = (
    bytes.byteOffset % like.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice()
  ) as Uint8Array<ArrayBuffer>;
  const Type = like.BYTES_PER_ELEMENT === 4 ? Uint32Array : Uint16Array;
  return new Type(buffer, byteOffset, bytes.byteLength / like.BYTES_PER_ELEMENT);
}

interface BandPlace {
  /** The piece: rows and columns of a published matrix, from this column on. */
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
  /** The band: inputs `[first, last)` of the stored matrix, each with so many outputs; where the piece's first row goes. */
  readonly first: number;
  readonly last: number;
  readonly outputs: number;
  readonly output: number;
}

function transposeInto(band: Items, items: Items, place: BandPlace): void {
  const { rows, column, columns, first, last, outputs, output } = place;
  const start = Math.max(first, column);
  const end = Math.min(last, column + columns);
  for (let row0 = 0; row0 < rows; row0 += TILE) {
    const rowEnd = Math.min(row0 + TILE, rows);
    for (let input0 = start; input0 < end; input0 += TILE) {
      const inputEnd = Math.min(input0 + TILE, end);
      for (let input = input0; input < inputEnd; input++) {
        const to = (input - first) * outputs + output;
        for (let row = row0; row < rowEnd; row++) band[to + row] = items[row * columns + input - column] as number;
      }
    }
  }
}
