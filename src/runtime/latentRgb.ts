import type { AutoencoderConfig } from '../graph/autoencoderConfig.ts';
import type { DiffusionModel } from '../pipeline/diffusionPorts.ts';

type LatentRgb = DiffusionModel['latentRgb'];

/**
 * Least-squares fits of decoded colour to latents, RGB in −1..1, published with previews of invoke-ai/InvokeAI (Apache-2.0,
 * `app/util/step_callback.py`: SD 1.5 by torridgristle, SDXL by StAlKeR7779). Rows: red, green, blue; columns: latents.
 */
const STABLE_DIFFUSION_1: LatentRgb = {
  factors: [
    [0.3444, 0.1247, -0.3192, -0.1307],
    [0.1385, 0.4027, 0.2513, -0.1874],
    [0.067, 0.1494, 0.2103, -0.7445],
  ],
  bias: [0, 0, 0],
};
const STABLE_DIFFUSION_XL: LatentRgb = {
  factors: [
    [0.3816, -0.3753, 0.177, -0.435],
    [0.493, 0.1631, 0.3588, -0.2644],
    [0.532, 0.1739, -0.2048, -0.4289],
  ],
  bias: [0, 0, 0],
};

/**
 * How to draw latents without decoding them. The two autoencoders in use are known by their scaling; of any other, the first
 * channel is drawn grey, which in all of them is roughly the brightness.
 */
export function latentRgb({
  scalingFactor,
  latentChannels,
}: Pick<AutoencoderConfig, 'scalingFactor' | 'latentChannels'>): LatentRgb {
  if (latentChannels === 4 && scalingFactor === 0.18215) return STABLE_DIFFUSION_1;
  if (latentChannels === 4 && scalingFactor === 0.13025) return STABLE_DIFFUSION_XL;
  const grey = Array.from({ length: latentChannels }, (_, channel) => (channel === 0 ? 0.35 : 0));
  return { factors: [grey, grey, grey], bias: [0, 0, 0] };
}
