import { type PasdUnetConfig, PIXEL_ATTENTIONS, residualChannels } from './pasdUnetConfig.ts';
import { transformerRecipes, unetRecipes } from './unetWeights.ts';
import type { WeightRecipe } from './weightRecipe.ts';

/** All weights of PASD's UNet, and how our graphs store them: an ordinary UNet's, and the pixel attention's. */
export function pasdUnetRecipes(config: PasdUnetConfig): WeightRecipe[] {
  return [
    ...unetRecipes(config),
    ...config.levels.flatMap((level, i) =>
      residualChannels(config, i).flatMap((crossWidth, layer) =>
        transformerRecipes(
          pixelAttentionName(config, { level: i, layer }),
          { ...config, crossWidth },
          { channels: level.channels, blocks: config.pixelTransformers[i] as number },
        ),
      ),
    ),
  ];
}

/** Name of the transformer that attends to the residual; the published blocks are numbered from the smallest image. */
export function pixelAttentionName(
  { levels }: PasdUnetConfig,
  { level, layer }: { level: number; layer: number },
): string {
  return `up_blocks.${levels.length - 1 - level}.${PIXEL_ATTENTIONS}.${layer}`;
}
