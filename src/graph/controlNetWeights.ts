import type { ControlNetConfig } from './controlNetConfig.ts';
import { conv, pointwise } from './diffusersRecipes.ts';
import type { UnetLevel } from './unetConfig.ts';
import { skipChannels, trunkRecipes } from './unetWeights.ts';
import type { WeightRecipe } from './weightRecipe.ts';

/** Convolutions of a dense block, and dense blocks of a residual-in-residual block (ESRGAN). */
export const DENSE_CONVOLUTIONS = 5;
export const DENSE_BLOCKS_IN_RESIDUAL = 3;

/** diffusers' name of the network that brings the condition to the latents' size. */
export const CONDITION_EMBEDDING = 'controlnet_cond_embedding';

/** All weights of a diffusers ControlNetModel, or of PASD's, and how our graphs store them. */
export function controlNetRecipes(config: ControlNetConfig): WeightRecipe[] {
  const last = config.levels.at(-1) as UnetLevel;
  return [
    ...trunkRecipes(config),
    ...conditionRecipes(config),
    ...skipChannels(config).flatMap((channels, i) => pointwise(`controlnet_down_blocks.${i}`, [channels, channels])),
    ...pointwise('controlnet_mid_block', [last.channels, last.channels]),
  ];
}

/** diffusers `ControlNetConditioningEmbedding`. */
function conditionRecipes({ levels, conditionChannels, channelOrder, denseBlocks }: ControlNetConfig): WeightRecipe[] {
  const [full = 0] = conditionChannels;
  const latents = levels[0] as UnetLevel;
  const convIn = conv(`${CONDITION_EMBEDDING}.conv_in`, [full, COLOURS, 3]);
  return [
    ...(channelOrder === 'bgr' ? convIn.map(withReversedColours) : convIn),
    ...Array.from({ length: denseBlocks }, (_, block) => denseRecipes(block, full)).flat(),
    ...conditionChannels.slice(1).flatMap((channels, i) => {
      const before = conditionChannels[i] as number;
      return [
        ...conv(`${CONDITION_EMBEDDING}.blocks.${2 * i}`, [before, before, 3]),
        ...conv(`${CONDITION_EMBEDDING}.blocks.${2 * i + 1}`, [channels, before, 3]),
      ];
    }),
    ...conv(`${CONDITION_EMBEDDING}.conv_out`, [latents.channels, conditionChannels.at(-1) as number, 3]),
  ];
}

/** A residual-in-residual dense block, under basicsr's names (`preprocesser` is PASD's spelling). */
function denseRecipes(block: number, channels: number): WeightRecipe[] {
  const name = `${CONDITION_EMBEDDING}.preprocesser.${block}`;
  return Array.from({ length: DENSE_BLOCKS_IN_RESIDUAL }, (_, dense) =>
    Array.from({ length: DENSE_CONVOLUTIONS }, (_, i) =>
      conv(`${name}.rdb${dense + 1}.conv${i + 1}`, [channels, (i + 1) * channels, 3]),
    ).flat(),
  ).flat();
}

const COLOURS = 3;

/** Turns a convolution over BGR into one over RGB. */
function withReversedColours(recipe: WeightRecipe): WeightRecipe {
  const [outputs, colours, ...kernel] = recipe.dims;
  if (colours !== COLOURS) return recipe;
  const area = kernel.reduce((product, dim) => product * dim, 1);
  return {
    ...recipe,
    derive: (weight) =>
      Float32Array.from({ length: (outputs as number) * COLOURS * area }, (_, i) => {
        const pixel = i % area;
        const plane = Math.floor(i / area);
        const colour = plane % COLOURS;
        return (weight as Float32Array)[(plane - colour + COLOURS - 1 - colour) * area + pixel] as number;
      }),
  };
}
