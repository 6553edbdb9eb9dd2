import { GraphBuilder, prefixed } from './builder.ts';
import { controlNet } from './controlNet.ts';
import type { ControlNetConfig } from './controlNetConfig.ts';
import { conv2d, type ImageValue, imageRows, repeatImage } from './imageLayers.ts';
import { checkPasdPair, type PasdUnetConfig } from './pasdUnetConfig.ts';
import { pixelAttentionName } from './pasdUnetWeights.ts';
import { type UnetSizes, type UpLayer, unet, unetInputs, unetOutput } from './unet.ts';
import { transformer, type UnetContext } from './unetBlocks.ts';
import type { WeightIndex } from './weights.ts';

/** Before the names of the ControlNet's weights in the graph: both models call theirs alike. */
const CONTROLNET_PREFIX = 'controlnet.';

/** PASD's two networks, each with what compiling its recipes gave. Shards of both have different names. */
export interface PasdModels {
  readonly unet: { readonly config: PasdUnetConfig; readonly weights: WeightIndex };
  readonly controlNet: { readonly config: ControlNetConfig; readonly weights: WeightIndex };
}

/**
 * PASD (arXiv 2308.14469) as one graph of fixed sizes: its ControlNet, and its UNet, which attends to the ControlNet's
 * residuals pixel by pixel besides adding them. The residuals never leave the GPU.
 *
 * Inputs, float32: `sample`, `timestep`, `encoder_hidden_states` as `buildUnet`; `condition`
 * `[1, 3, 8 · height, 8 · width]`, the low-quality image, RGB in 0..1; `conditioning_scale` `[1]`, 1 as published. Output,
 * float32: `prediction` `[batch, 4, height, width]`.
 * @returns an ONNX file whose weights are external data
 * @throws {UserError} `CheckpointError`: the networks were not made for each other
 * @throws {RangeError} the sizes are not those of a graph
 */
export function buildPasd(models: PasdModels, sizes: UnetSizes): Uint8Array<ArrayBuffer> {
  const { config } = models.unet;
  const g = new GraphBuilder(`pasd_${sizes.width}x${sizes.height}`, {
    ...models.unet.weights,
    ...prefixed(models.controlNet.weights, CONTROLNET_PREFIX),
  });
  checkPasdPair(config, models.controlNet.config);
  const residuals = g.withPrefix(CONTROLNET_PREFIX, () => {
    const { sample, context } = unetInputs(g, models.controlNet.config, sizes);
    return controlNet(context, sample, { config: models.controlNet.config });
  });

  const { sample, context } = unetInputs(g, config, sizes);
  const remaining = [...residuals.skips];
  const prediction = unet(context, conv2d(g, sample, { name: 'conv_in' }), {
    config,
    residuals,
    afterLayer: (x, at) => pixelAttention(context, x, { config, at, residual: remaining.pop() as ImageValue }),
  });
  unetOutput(g, prediction, sizes);
  return g.toBytes();
}

/** The transformer that ends a layer on the way up: every pixel attends to all of a residual's. */
export function pixelAttention(
  context: UnetContext,
  x: ImageValue,
  { config, at, residual }: { config: PasdUnetConfig; at: UpLayer; residual: ImageValue },
): ImageValue {
  const { g } = context;
  const level = config.levels.length - 1 - at.block;
  const batch = Math.max(x.batch, residual.batch);
  return transformer(context, x, {
    name: pixelAttentionName(config, { level, layer: at.layer }),
    heads: at.level.heads,
    blocks: config.pixelTransformers[level] as number,
    keys: { value: imageRows(g, repeatImage(g, residual, batch)), batch, width: residual.channels },
  });
}
