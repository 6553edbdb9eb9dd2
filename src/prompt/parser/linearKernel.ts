/** linear.wat, assembled: 128-bit SIMD, about eight times the speed of the loop below. */
const MODULE = [
  '0061736d0100000001130260077f7f7f7f7f7f7f0060047b7b7b7b017b020f0103656e76066d656d6f72790200010303020001070a0106',
  '6c696e65617200000ac30702a906020a7f0b7b2005410274210a2006410274210d02400340200720044e0d014100210802400340200820',
  '064e0d0120012008200a6c6a210c20002007200a6c6a210bfd0c0000000000000000000000000000000021142014211520142116201421',
  '1720142118201421192014211a2014211b200c200a6a210e200e200a6a210f200f200a6a211041002109200741016a2004480440034020',
  '0b20096afd0004002111200b200a6a20096afd0004002112200c20096afd0004002113201420112013fde601fde4012114201820122013',
  'fde601fde4012118200e20096afd0004002113201520112013fde601fde4012115201920122013fde601fde4012119200f20096afd0004',
  '002113201620112013fde601fde4012116201a20122013fde601fde401211a201020096afd0004002113201720112013fde601fde40121',
  '17201b20122013fde601fde401211b200941106a2209200a480d000b0502400340200941206a200a4a0d01200b20096afd000400211120',
  '0b20096afd000410211220142011200c20096afd000400fde601fde401211420182012200c20096afd000410fde601fde4012118201520',
  '11200e20096afd000400fde601fde401211520192012200e20096afd000410fde601fde401211920162011200f20096afd000400fde601',
  'fde4012116201a2012200f20096afd000410fde601fde401211a20172011201020096afd000400fde601fde4012117201b201220102009',
  '6afd000410fde601fde401211b200941206a21090c000b0b2009200a480440200b20096afd000400211120142011200c20096afd000400',
  'fde601fde401211420152011200e20096afd000400fde601fde401211520162011200f20096afd000400fde601fde40121162017201120',
  '1020096afd000400fde601fde40121170b20142018fde401211420152019fde40121152016201afde40121162017201bfde40121170b20',
  '0220084102746afd000400211320032007200d6c20084102746a6a21092009201320142015201620171001fde401fd0b0400200741016a',
  '20044804402009200d6a201320182019201a201b1001fde401fd0b04000b200841046a21080c000b0b200741026a21070c000b0b0b9501',
  '01027b20002001fd0d000102031011121308090a0b18191a1b20002001fd0d04050607141516170c0d0e0f1c1d1e1ffde4012104200220',
  '03fd0d000102031011121308090a0b18191a1b20022003fd0d04050607141516170c0d0e0f1c1d1e1ffde401210520042005fd0d000102',
  '0304050607101112131415161720042005fd0d08090a0b0c0d0e0f18191a1b1c1d1e1ffde4010b',
].join('');

/** Sizes of one linear layer; `inputs` and `outputs` are multiples of 4. */
export interface LinearShape {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** What this file needs of WebAssembly; a pure folder has no DOM types. */
interface WebAssemblyLike {
  Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Record<string, (...args: number[]) => void> };
}

const PAGE = 65536;

/**
 * Linear layers over one block of memory. Arrays given to `linear` come from `allocate`. Uses WebAssembly SIMD where
 * there is any, and the same sums in plain JavaScript where there is none.
 */
export class LinearKernel {
  private readonly buffer: ArrayBuffer;
  private readonly run: ((...args: number[]) => void) | null = null;
  private used = 0;

  /** @param floats how many numbers can be allocated; `wasm: false` keeps to JavaScript, for tests */
  constructor(floats: number, options: { readonly wasm?: boolean } = {}) {
    const pages = Math.ceil((floats * 4) / PAGE) + 1;
    const { WebAssembly } = globalThis as unknown as { WebAssembly?: WebAssemblyLike };
    if (options.wasm !== false && WebAssembly !== undefined) {
      try {
        const memory = new WebAssembly.Memory({ initial: pages });
        const module = new WebAssembly.Module(
          Uint8Array.from(MODULE.match(/../g) ?? [], (h) => Number.parseInt(h, 16)),
        );
        this.run = new WebAssembly.Instance(module, { env: { memory } }).exports.linear ?? null;
        this.buffer = memory.buffer;
        return;
      } catch {
        // No SIMD, or a page policy that forbids WebAssembly: JavaScript gives the same numbers, slower.
      }
    }
    this.buffer = new ArrayBuffer(pages * PAGE);
  }

  /** True where sums run in WebAssembly. */
  get accelerated(): boolean {
    return this.run !== null;
  }

  /** A zeroed array in the block, 16-byte aligned. @throws RangeError when the block is full */
  allocate(length: number): Float32Array {
    const start = this.used;
    this.used += Math.ceil(length / 4) * 16;
    if (this.used > this.buffer.byteLength) throw new RangeError('LinearKernel: out of memory');
    return new Float32Array(this.buffer, start, length).fill(0);
  }

  /** Where allocation stands; give it to `release` to free everything allocated since. */
  mark(): number {
    return this.used;
  }

  /** Frees what was allocated since `mark`. */
  release(mark: number): void {
    this.used = mark;
  }

  /** `out[r, o] = bias[o] + Σ_i x[r, i] · w[o, i]` (torch.nn.Linear). */
  linear(
    x: Float32Array,
    w: Float32Array,
    { bias, out, rows, inputs, outputs }: LinearShape & { readonly bias: Float32Array; readonly out: Float32Array },
  ): void {
    if (inputs % 4 !== 0 || outputs % 4 !== 0)
      throw new RangeError(`linear: ${inputs}→${outputs} are no multiples of 4`);
    if (
      x.length < rows * inputs ||
      w.length < outputs * inputs ||
      out.length < rows * outputs ||
      bias.length < outputs
    ) {
      throw new RangeError(`linear: arrays too short for ${rows}×${inputs}→${outputs}`);
    }
    if (this.run !== null) {
      this.run(x.byteOffset, w.byteOffset, bias.byteOffset, out.byteOffset, rows, inputs, outputs);
      return;
    }
    for (let r = 0; r < rows; r++) {
      const p = r * inputs;
      for (let o = 0; o < outputs; o += 4) {
        const q = o * inputs;
        let a = bias[o] as number;
        let b = bias[o + 1] as number;
        let c = bias[o + 2] as number;
        let d = bias[o + 3] as number;
        for (let i = 0; i < inputs; i++) {
          const v = x[p + i] as number;
          a += v * (w[q + i] as number);
          b += v * (w[q + inputs + i] as number);
          c += v * (w[q + 2 * inputs + i] as number);
          d += v * (w[q + 3 * inputs + i] as number);
        }
        const y = r * outputs + o;
        out[y] = a;
        out[y + 1] = b;
        out[y + 2] = c;
        out[y + 3] = d;
      }
    }
  }
}

/** The next multiple of 4: rows of layers are padded to it with zeros. */
export function padded(n: number): number {
  return (n + 3) & ~3;
}
