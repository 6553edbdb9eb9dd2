import type { DiffusionModel, LatentSize } from '../pipeline/diffusionPorts.ts';

/**
 * A rough picture of latents, one pixel for each place: `rgb = bias + factors · latent`.
 *
 * @param latents `[channels, height, width]`
 * @returns `[height, width, 4]`, sRGB, alpha 255
 * @throws RangeError if the factors are not for as many channels as there are latents
 */
export function latentPreview(
  latents: Float32Array,
  { size, latentRgb }: { readonly size: LatentSize; readonly latentRgb: DiffusionModel['latentRgb'] },
): Uint8ClampedArray<ArrayBuffer> {
  const { factors, bias } = latentRgb;
  const places = size.width * size.height;
  if (factors.length !== 3 || bias.length !== 3)
    throw new RangeError('Factors and bias are not for red, green and blue');
  for (const { length } of factors) {
    if (length * places !== latents.length) {
      throw new RangeError(`${latents.length} latents, expected ${length} channels of ${size.width}x${size.height}`);
    }
  }
  const rgba = new Uint8ClampedArray(places * 4).fill(255);
  for (const [color, weights] of factors.entries()) {
    for (let place = 0; place < places; place++) {
      let value = bias[color] as number;
      for (let channel = 0; channel < weights.length; channel++) {
        value += (weights[channel] as number) * (latents[channel * places + place] as number);
      }
      rgba[place * 4 + color] = (value + 1) * 127.5;
    }
  }
  return rgba;
}
