/** A view of a storage: torch's shape and strides, in elements. */
export interface StridedLayout {
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** Whether the elements lie in row-major order without gaps. Strides of dimensions of size 1 are never used. */
export function isContiguous({ shape, stride }: StridedLayout): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] as number;
    if (size === 1) continue;
    if (stride[i] !== expected) return false;
    expected *= size;
  }
  return true;
}

/**
 * Elements from the first to the last the view touches, both included; 0 for an empty view.
 * Not a safe integer where the strides are absurd; callers compare it with the storage.
 */
export function storageSpan({ shape, stride }: StridedLayout): number {
  let last = 0;
  for (const [i, size] of shape.entries()) {
    if (size === 0) return 0;
    // A single step of an absurd stride is not taken, and must not make NaN of 0 · Infinity.
    if (size > 1) last += (size - 1) * (stride[i] as number);
  }
  return last + 1;
}

/**
 * Copies a view of any strides (transposed, sliced, expanded) to contiguous row-major bytes.
 * @param bytes the view's span of the storage, `storageSpan(layout) * itemSize` bytes
 * @param itemSize bytes of an element: 1, 2, 4 or 8
 */
export function gatherStrided(
  bytes: Uint8Array<ArrayBuffer>,
  { shape, stride, itemSize }: StridedLayout & { itemSize: number },
): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((product, size) => product * size, 1);
  const result = new Uint8Array(count * itemSize);
  if (count === 0) return result;
  const { buffer, byteOffset } = bytes.byteOffset % itemSize === 0 ? bytes : bytes.slice();
  if (itemSize === 8) {
    // Pairs of words: through a Float64Array an engine might alter the bits of NaN, and BigInts are slow.
    const words = { shape: [...shape, 2], stride: [...stride.map((step) => step * 2), 1] };
    copyStrided(new Uint32Array(buffer, byteOffset, bytes.byteLength / 4), new Uint32Array(result.buffer), words);
  } else {
    const Items = itemSize === 4 ? Uint32Array : itemSize === 2 ? Uint16Array : Uint8Array;
    const from = new Items(buffer, byteOffset, bytes.byteLength / itemSize);
    copyStrided(from, new Items(result.buffer), { shape, stride });
  }
  return result;
}

type Items = Uint8Array | Uint16Array | Uint32Array;

/** `to` is filled in order; `from` is walked like an odometer whose last wheel is the inner loop. */
function copyStrided(from: Items, to: Items, { shape, stride }: StridedLayout): void {
  const inner = shape.at(-1) ?? 1;
  const innerStride = stride.at(-1) ?? 1;
  const index = new Array<number>(Math.max(0, shape.length - 1)).fill(0);
  let start = 0;
  for (let at = 0; at < to.length; ) {
    for (let i = 0; i < inner; i++) to[at++] = from[start + i * innerStride] as number;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      const step = stride[axis] as number;
      const next = (index[axis] as number) + 1;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        start += step;
        break;
      }
      start -= (next - 1) * step;
      index[axis] = 0;
    }
  }
}
