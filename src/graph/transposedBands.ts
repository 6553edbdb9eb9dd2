import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { castPiece } from './castPiece.ts';
import type { EncodeStep } from './encodeRecipe.ts';
import { inPieces, type MatrixPiece, matrixPieces } from './tensorPieces.ts';
import { WeightKernel } from './weightKernel.ts';
import type { StoredType, TensorLayout } from './weights.ts';

/**
 * Most bytes of a transposed matrix that are held at a time. Every matrix of a published model fits; of a larger one the
 * sources are read once for each such part.
 */
export const BAND_BYTES = 128 * 1024 ** 2;

/** Side of the squares a matrix is transposed in, so that what is read and what is written both stay in the cache. */
const TILE = 16;
/** Rows and columns that the kernel takes are multiples of this. */
const KERNEL_SIDE = 8;

type Items = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/**
 * Stores `[out, in]` matrices as `[in, out]`: pieces are cast as they are read and their rows written as columns of a band, some
 * rows of the stored matrix, which is handed on when its last piece was read. One band's memory serves all matrices.
 */
export class TransposedBands {
  readonly #kernel: WeightKernel | null;
  readonly #limit: number;
  #memory = new ArrayBuffer(0);

  /** @param options `limit`: bytes of a band */
  constructor({ kernel, limit = BAND_BYTES }: { kernel: WeightKernel | null; limit?: number }) {
    this.#kernel = kernel;
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
            const band = this.#band((last - first) * outputs * (type === 'float32' ? 4 : 2));
            const cast = castPiece(bytes, { tensor: piece.tensor, type, kernel: this.#kernel });
            this.#transpose(band, cast, { ...piece, type, first, last, outputs, output });
            return i === inBand.length - 1 ? inPieces(band) : [];
          },
        });
      }
    }
    return steps;
  }

  /** Memory that keeps what it has from one piece of a band to the next. */
  #band(byteLength: number): Uint8Array<ArrayBuffer> {
    if (this.#kernel) {
      this.#kernel.reserve(byteLength);
      return this.#kernel.bytes(WeightKernel.ROOM, byteLength);
    }
    if (this.#memory.byteLength < byteLength) this.#memory = new ArrayBuffer(byteLength);
    return new Uint8Array(this.#memory, 0, byteLength);
  }

  #transpose(band: Uint8Array<ArrayBuffer>, cast: Uint8Array<ArrayBuffer>, place: BandPlace): void {
    const { type, rows, column, columns, first, last, outputs, output } = place;
    const Type = type === 'float32' ? Uint32Array : Uint16Array;
    const itemBytes = Type.BYTES_PER_ELEMENT;
    const start = Math.max(first, column);
    const end = Math.min(last, column + columns);
    let [rowsDone, endDone] = [0, start];
    let items = cast;
    if (this.#kernel) {
      const from = this.#kernel.place(cast);
      items = this.#kernel.bytes(from, cast.byteLength);
      rowsDone = rows - (rows % KERNEL_SIDE);
      endDone = end - ((end - start) % KERNEL_SIDE);
      this.#kernel.run.transpose(
        from + (start - column) * itemBytes,
        columns * itemBytes,
        band.byteOffset + ((start - first) * outputs + output) * itemBytes,
        outputs * itemBytes,
        rowsDone,
        endDone - start,
        itemBytes,
      );
    }
    const [from, to] = [itemsOf(items, Type), itemsOf(band, Type)];
    transposeInto(to, from, place, { row: 0, rowEnd: rowsDone, input: endDone, inputEnd: end });
    transposeInto(to, from, place, { row: rowsDone, rowEnd: rows, input: start, inputEnd: end });
  }
}

/** The numbers as bits: no engine alters them on their way. */
function itemsOf(bytes: Uint8Array<ArrayBuffer>, Type: typeof Uint16Array | typeof Uint32Array): Items {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Type(buffer, byteOffset, byteLength / Type.BYTES_PER_ELEMENT);
}

interface BandPlace {
  readonly type: StoredType;
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

/** Rows of the piece, inputs of the matrix. */
interface Rectangle {
  readonly row: number;
  readonly rowEnd: number;
  readonly input: number;
  readonly inputEnd: number;
}

function transposeInto(
  band: Items,
  items: Items,
  { column, columns, first, outputs, output }: BandPlace,
  rectangle: Rectangle,
): void {
  for (let row0 = rectangle.row; row0 < rectangle.rowEnd; row0 += TILE) {
    const rowEnd = Math.min(row0 + TILE, rectangle.rowEnd);
    for (let input0 = rectangle.input; input0 < rectangle.inputEnd; input0 += TILE) {
      const inputEnd = Math.min(input0 + TILE, rectangle.inputEnd);
      for (let input = input0; input < inputEnd; input++) {
        const to = (input - first) * outputs + output;
        for (let row = row0; row < rowEnd; row++) band[to + row] = items[row * columns + input - column] as number;
      }
    }
  }
}
