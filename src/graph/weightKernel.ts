import { PIECE_BYTES } from './tensorPieces.ts';
import { weightKernelModule } from './weightKernelModule.ts';

/** Functions of weightKernel.wat; addresses in bytes, counts in items. */
interface KernelExports {
  singlesToHalves(from: number, to: number, count: number): number;
  halvesToSingles(from: number, to: number, count: number): number;
  bfloatsToSingles(from: number, to: number, count: number): number;
  scales4(values: number, scales: number, blocks: number): void;
  scales8(values: number, scales: number, blocks: number): void;
  levels(values: number, scales: number, packed: number, blocks: number, bits: number): void;
  transpose(
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    rows: number,
    columns: number,
    itemBytes: number,
  ): void;
}

const PAGE = 65536;
/** The routines read and write up to so many bytes beyond the last item. */
export const SLACK = 128;

/**
 * Routines in WebAssembly SIMD for what is done to every weight, and the memory they work in: a place for a published piece, one
 * for the same piece in a wider type, and room that grows.
 */
export class WeightKernel {
  /** Where a published piece goes. */
  static readonly PIECE = 0;
  /** Where it goes as float32. */
  static readonly WIDE = PIECE_BYTES + SLACK;
  /** Where the room begins. */
  static readonly ROOM = WeightKernel.WIDE + 2 * PIECE_BYTES + SLACK;

  readonly run: KernelExports;
  readonly #memory: WebAssembly.Memory;

  private constructor(memory: WebAssembly.Memory, run: KernelExports) {
    this.#memory = memory;
    this.run = run;
  }

  /** Null where there is no SIMD, or a page's policy forbids WebAssembly. */
  static create(): WeightKernel | null {
    try {
      const memory = new WebAssembly.Memory({ initial: WeightKernel.ROOM / PAGE + 1 });
      const module = new WebAssembly.Module(weightKernelModule());
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      return new WeightKernel(memory, exports as unknown as KernelExports);
    } catch {
      return null;
    }
  }

  /** Makes room for so many bytes; arrays of the memory are of no use afterwards. */
  reserve(byteLength: number): void {
    const missing = WeightKernel.ROOM + byteLength + SLACK - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
  }

  /** Bytes of the memory, until more room is made. */
  bytes(at: number, byteLength: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory.buffer as ArrayBuffer, at, byteLength);
  }

  /** Copies a piece to {@link PIECE}, with zeros behind it, unless it lies in the memory already; returns where it lies. */
  place(piece: Uint8Array): number {
    if (piece.buffer === this.#memory.buffer) return piece.byteOffset;
    const target = this.bytes(WeightKernel.PIECE, piece.byteLength + SLACK);
    target.set(piece);
    target.fill(0, piece.byteLength);
    return WeightKernel.PIECE;
  }
}
