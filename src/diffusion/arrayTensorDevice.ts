import type { DeviceTensor, TensorDevice } from '../pipeline/diffusionPorts.ts';

/** Most terms {@link TensorDevice.combine} takes. */
const largestTermCount = 8;

/** A tensor of an {@link ArrayTensorDevice}. */
class ArrayTensor implements DeviceTensor {
  readonly dims: readonly number[];
  values: Float32Array<ArrayBuffer> | null;
  readonly #onDispose: () => void;

  constructor(dims: readonly number[], values: Float32Array<ArrayBuffer>, onDispose: () => void) {
    this.dims = dims;
    this.values = values;
    this.#onDispose = onDispose;
  }

  dispose(): void {
    if (this.values) this.#onDispose();
    this.values = null;
  }
}

function valuesOf(tensor: DeviceTensor): Float32Array<ArrayBuffer> {
  if (!(tensor instanceof ArrayTensor)) throw new TypeError('The tensor was made by another device');
  if (!tensor.values) throw new TypeError(`The tensor [${tensor.dims}] is disposed`);
  return tensor.values;
}

/** Height and width of `[1, channels, height, width]`. */
function planesOf({ dims }: DeviceTensor): {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
} {
  const [batch, channels, height, width] = dims;
  if (dims.length !== 4 || batch !== 1 || !channels || !height || !width) {
    throw new RangeError(`The tensor is [${dims}], expected [1, channels, height, width]`);
  }
  return { channels, height, width };
}

/**
 * Tensors in arrays: for machines without a GPU and for tests. Sums are made in double precision and rounded once, so the
 * order of terms does not show.
 */
export class ArrayTensorDevice implements TensorDevice {
  /** Tensors not yet disposed. */
  alive = 0;
  /** How often {@link read} was called. */
  reads = 0;
  /** How often {@link allFinite} was called. */
  checks = 0;

  /** @throws RangeError if there are not as many values as the dimensions say */
  create(dims: readonly number[], values?: Float32Array): DeviceTensor {
    const length = dims.reduce((product, dim) => product * dim, 1);
    if (values && values.length !== length)
      throw new RangeError(`[${dims}] takes ${length} values, got ${values.length}`);
    this.alive++;
    return new ArrayTensor([...dims], values ? values.slice() : new Float32Array(length), () => this.alive--);
  }

  /** @throws RangeError if the length differs */
  write(tensor: DeviceTensor, values: Float32Array): void {
    const target = valuesOf(tensor);
    if (target.length !== values.length) throw new RangeError(`[${tensor.dims}] got ${values.length} values`);
    target.set(values);
  }

  /** @throws RangeError for lengths that differ, and for no or more than 8 terms */
  combine(target: DeviceTensor, terms: readonly { readonly source: DeviceTensor; readonly factor: number }[]): void {
    if (terms.length < 1 || terms.length > largestTermCount)
      throw new RangeError(`${terms.length} terms, expected 1 to 8`);
    const out = valuesOf(target);
    const sources = terms.map(({ source, factor }) => ({ values: valuesOf(source), factor }));
    for (const { values } of sources) {
      if (values.length !== out.length) throw new RangeError(`${values.length} values, expected ${out.length}`);
    }
    for (let i = 0; i < out.length; i++) {
      let sum = 0;
      for (const { values, factor } of sources) sum += factor * (values[i] as number);
      out[i] = sum;
    }
  }

  /** @throws RangeError for a window that lies outside, channels that differ, and weights of another size */
  copyWindow(source: DeviceTensor, target: DeviceTensor, window: Parameters<TensorDevice['copyWindow']>[2]): void {
    const { from, to, width, height, add = false } = window;
    const [input, output] = [valuesOf(source), valuesOf(target)];
    const [inside, outside] = [planesOf(source), planesOf(target)];
    if (inside.channels !== outside.channels) throw new RangeError(`[${source.dims}] into [${target.dims}]`);
    for (const [place, plane] of [
      [from, inside],
      [to, outside],
    ] as const) {
      if (place.x < 0 || place.y < 0 || place.x + width > plane.width || place.y + height > plane.height) {
        throw new RangeError(`${width}x${height} at ${place.x}, ${place.y} of ${plane.width}x${plane.height}`);
      }
    }
    const weights = window.weights && valuesOf(window.weights);
    if (weights && weights.length !== width * height)
      throw new RangeError(`${weights.length} weights for ${width}x${height}`);
    for (let channel = 0; channel < inside.channels; channel++) {
      for (let y = 0; y < height; y++) {
        const read = (channel * inside.height + from.y + y) * inside.width + from.x;
        const write = (channel * outside.height + to.y + y) * outside.width + to.x;
        for (let x = 0; x < width; x++) {
          const value = (input[read + x] as number) * (weights ? (weights[y * width + x] as number) : 1);
          output[write + x] = add ? (output[write + x] as number) + value : value;
        }
      }
    }
  }

  async read(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    this.reads++;
    return valuesOf(tensor).slice();
  }

  async allFinite(tensor: DeviceTensor): Promise<boolean> {
    this.checks++;
    return valuesOf(tensor).every(Number.isFinite);
  }
}
