import type { JsonObject } from '../checkpoint/readJson.ts';
import { UserError } from '../errors.ts';
import { parseUnetConfig, type UnetConfig, type UnetLevel, type UnetTrunkConfig } from './unetConfig.ts';
import { skipChannels } from './unetWeights.ts';

/**
 * What the `config.json` of PASD's UNet says (arXiv 2308.14469; class `UNet2DConditionModel` of yangxy/PASD). The file is
 * that of an ordinary UNet: only the tensors tell them apart, see {@link isPasdUnet}.
 */
export interface PasdUnetConfig extends UnetConfig {
  /** Transformer blocks of the pixel attention after every layer on the way up, by level. */
  readonly pixelTransformers: readonly number[];
}

/** What yangxy/PASD calls the pixel-aware transformer of a layer, within its up block. */
export const PIXEL_ATTENTIONS = 'pixel_attentions';

const MAX_TRANSFORMERS = 64;

/** Whether a checkpoint of a UNet is PASD's, by the names of its tensors. */
export function isPasdUnet(names: Iterable<string>): boolean {
  for (const name of names) if (name.includes(`.${PIXEL_ATTENTIONS}.`)) return true;
  return false;
}

/**
 * Reads the `config.json` of PASD's UNet.
 * @throws {UserError} as {@link parseUnetConfig}; `UnsupportedModelError` also where the latents have a mask beside them, or
 *   a block without text attention would attend to a residual of another width, which PASD's class does not compute
 */
export function parsePasdUnetConfig(
  json: JsonObject,
  { file = 'unet/config.json' }: { file?: string } = {},
): PasdUnetConfig {
  const config = parseUnetConfig(json, { file });
  const unsupported = (detail: string) =>
    new UserError('UnsupportedModelError', `Cannot load "${file}": ${detail}; use the unet that PASD published`);
  if (config.inChannels !== 4) throw unsupported(`in_channels is ${config.inChannels}, expected 4`);
  const given = json.transformer_layers_per_block ?? 1;
  const pixelTransformers = config.levels.map((_, i) => (Array.isArray(given) ? given[i] : given) as number);
  if (pixelTransformers.some((blocks) => !(blocks >= 1 && blocks <= MAX_TRANSFORMERS))) {
    throw unsupported(`transformer_layers_per_block is ${JSON.stringify(given)}`);
  }
  config.levels.forEach((level, i) => {
    if (level.upTransformers > 0) return;
    if (residualChannels(config, i).some((channels) => channels !== level.channels)) {
      throw unsupported('an UpBlock2D lies beside a level of another width in block_out_channels');
    }
  });
  return { ...config, pixelTransformers };
}

/** Channels of the residuals that a level's layers on the way up attend to, and are concatenated with, in their order. */
export function residualChannels(config: UnetConfig, level: number): number[] {
  const taken = config.levels.slice(level + 1).reduce((sum, { layers }) => sum + layers + 1, 0);
  const { layers } = config.levels[level] as UnetLevel;
  return skipChannels(config)
    .reverse()
    .slice(taken, taken + layers + 1);
}

/**
 * Whether the residuals of the ControlNet are what the UNet adds and attends to.
 * @throws {UserError} `CheckpointError`: the two networks were not made for each other
 */
export function checkPasdPair(unet: UnetTrunkConfig, controlNet: UnetTrunkConfig): void {
  const shape = ({ levels, crossWidth }: UnetTrunkConfig) =>
    `${levels.map(({ channels, layers }) => `${layers} × ${channels}`).join(', ')} for text of ${crossWidth}`;
  if (shape(unet) === shape(controlNet)) return;
  throw new UserError(
    'CheckpointError',
    `Cannot load "controlnet/config.json": its levels are ${shape(controlNet)}, expected ${shape(unet)} as unet/config.json ` +
      'says; take both from the same checkpoint',
  );
}
