/**
 * Wavelet colour correction (PASD's and StableSR's `wavelet_reconstruction`): the fine detail of what was made with the
 * colours of what was there.
 */

/** À-trous levels: the colours kept are those of structures beyond some 2^5 pixels. */
export const waveletLevels = 5;

/** How far a pixel's correction reaches, in pixels: the sum of the dilations 1, 2, 4, 8, 16. */
export const waveletReach = 2 ** waveletLevels - 1;

/**
 * Gives `made` the low frequencies of `source`, in place.
 *
 * Published: high(made) + low(source), where low is five blurs with [1, 2, 1]² / 16 dilated by 1, 2, 4, 8, 16, borders
 * replicated, and high is the rest. Blurs are linear, so that is `made + low(source − made)`: one chain of blurs instead of two,
 * and a kernel that is a product goes across and then down. Right for a part of an image where {@link waveletReach}
 * pixels around it are given.
 *
 * @param made `[channels, height, width]`
 * @param source the same shape
 * @throws RangeError if lengths do not fit
 */
export function waveletColour(
  made: Float32Array,
  source: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  const area = width * height;
  if (made.length !== source.length || made.length % area !== 0) {
    throw new RangeError(`${made.length} and ${source.length} values are no planes of ${width}x${height}`);
  }
  const low = new Float32Array(area);
  const spare = new Float32Array(area);
  for (let plane = 0; plane < made.length; plane += area) {
    for (let i = 0; i < area; i++) low[i] = (source[plane + i] as number) - (made[plane + i] as number);
    for (let level = 0; level < waveletLevels; level++) {
      blurAcross(low, spare, { width, height, dilation: 2 ** level });
      blurDown(spare, low, { width, height, dilation: 2 ** level });
    }
    for (let i = 0; i < area; i++) made[plane + i] = (made[plane + i] as number) + (low[i] as number);
  }
}

interface Blur {
  readonly width: number;
  readonly height: number;
  readonly dilation: number;
}

/** [1, 2, 1] / 4 along rows, taps `dilation` apart, borders replicated. */
function blurAcross(from: Float32Array, to: Float32Array, { width, height, dilation }: Blur): void {
  for (let row = 0; row < height * width; row += width) {
    for (let x = 0; x < width; x++) {
      const left = from[row + Math.max(x - dilation, 0)] as number;
      const right = from[row + Math.min(x + dilation, width - 1)] as number;
      to[row + x] = 0.25 * (left + right) + 0.5 * (from[row + x] as number);
    }
  }
}

/** The same along columns. */
function blurDown(from: Float32Array, to: Float32Array, { width, height, dilation }: Blur): void {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const above = Math.max(y - dilation, 0) * width;
    const below = Math.min(y + dilation, height - 1) * width;
    for (let x = 0; x < width; x++) {
      to[row + x] =
        0.25 * ((from[above + x] as number) + (from[below + x] as number)) + 0.5 * (from[row + x] as number);
    }
  }
}
