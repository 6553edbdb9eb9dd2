/**
 * Squared Euclidean distance of every pixel to the nearest set pixel, exact up to a limit (Felzenszwalb and Huttenlocher's
 * lower envelope of parabolas, one axis at a time).
 *
 * @param isSet `[height, width]`, non-zero where set
 * @param options.limit distances beyond it, in pixels, need not be told apart: they come out as anything larger than it
 * @returns `Float32Array [height, width]` of squared pixels
 * @throws RangeError if the length does not fit
 */
export function squaredDistances(
  isSet: Uint8Array,
  { width, height, limit }: { readonly width: number; readonly height: number; readonly limit: number },
): Float32Array<ArrayBuffer> {
  if (isSet.length !== width * height) throw new RangeError(`${isSet.length} pixels are no ${width}x${height}`);
  // Far enough that no envelope through it comes within the limit, small enough that its square stays exact.
  const far = Math.ceil(limit) + 1;

  // Down the columns, row by row so that memory is read in order: distance to the nearest set pixel of the column.
  const column = new Uint16Array(width * height);
  for (let x = 0; x < width; x++) column[x] = isSet[x] === 0 ? far : 0;
  for (let at = width; at < column.length; at++) {
    column[at] = isSet[at] === 0 ? Math.min((column[at - width] as number) + 1, far) : 0;
  }
  for (let at = column.length - width - 1; at >= 0; at--) {
    const below = (column[at + width] as number) + 1;
    if (below < (column[at] as number)) column[at] = below;
  }

  const out = new Float32Array(width * height).fill(far * far);
  // Parabolas of the envelope: their apex and where each begins to be the lowest.
  const apex = new Int32Array(width);
  const height2 = new Float64Array(width);
  const begin = new Float64Array(width + 1);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let last = -1;
    for (let x = 0; x < width; x++) {
      const d = column[row + x] as number;
      // Columns beyond the limit cannot bring any pixel within it.
      if (d >= far) continue;
      const h = d * d;
      let from = Number.NEGATIVE_INFINITY;
      while (last >= 0) {
        const a = apex[last] as number;
        from = (h + x * x - ((height2[last] as number) + a * a)) / (2 * (x - a));
        if (from > (begin[last] as number)) break;
        last--;
      }
      last++;
      apex[last] = x;
      height2[last] = h;
      begin[last] = last === 0 ? Number.NEGATIVE_INFINITY : from;
    }
    if (last < 0) continue;
    let at = 0;
    begin[last + 1] = Number.POSITIVE_INFINITY;
    for (let x = 0; x < width; x++) {
      while ((begin[at + 1] as number) < x) at++;
      const dx = x - (apex[at] as number);
      out[row + x] = dx * dx + (height2[at] as number);
    }
  }
  return out;
}
