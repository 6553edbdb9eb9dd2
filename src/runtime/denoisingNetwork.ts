import { buildPasd } from '../graph/pasdUnet.ts';
import { buildUnet, latentMultiple, type UnetSizes } from '../graph/unet.ts';
import type { UnetTrunkConfig } from '../graph/unetConfig.ts';
import type { LatentSize } from '../pipeline/diffusionPorts.ts';
import type { DenoisingNetwork } from './diffusionFolder.ts';
import { loadedBytes, readBytes } from './memoryEstimate.ts';
import { ModelPart } from './modelPart.ts';
import type { Runtime } from './runtime.ts';
import type { Tier } from './status.ts';
import { externalShards, type TierWeights } from './tierWeights.ts';

/** What a session of the network is made for. */
export type NetworkSizes = Omit<UnetSizes, 'provider'>;

/** The part of {@link Runtime} that models use. */
export type ModelRuntime = Pick<Runtime, 'createSession' | 'ready' | 'residency' | 'status' | 'tensors'>;

/** The network that predicts, as a part that comes and goes. */
export function openNetwork(
  network: DenoisingNetwork,
  { runtime, modelName }: { runtime: ModelRuntime; modelName: string },
): ModelPart<NetworkSizes> {
  return new ModelPart({
    name: `${modelName} unet`,
    residency: runtime.residency,
    key: ({ width, height, batch, tokens }) => `${width}x${height} ${batch} ${tokens}`,
    bytes: (sizes) => networkBytes(network, { ...sizes, tier: runtime.status.tier }),
    readBytes: () => {
      const { tier } = runtime.status;
      return storedWeights(network).reduce((sum, { stored }) => sum + readBytes(stored.index, { tier }), 0);
    },
    create: (sizes, onBytes) => {
      const { tier } = runtime.status;
      const options: UnetSizes = { ...sizes, provider: tier === 'wasm' ? 'wasm' : 'webgpu' };
      const unet = { config: network.config, weights: network.weights.on(tier) };
      if (network.kind === 'unet') {
        const graph = buildUnet(unet.config, unet.weights.index, options);
        return runtime.createSession(graph, externalShards([unet.weights], onBytes), { placed: ['prediction'] });
      }
      const control = network.controlNet.weights.on(tier);
      const graph = buildPasd(
        {
          unet: { config: network.config, weights: unet.weights.index },
          controlNet: { config: network.controlNet.config, weights: control.index },
        },
        options,
      );
      return runtime.createSession(graph, externalShards([unet.weights, control], onBytes), { placed: ['prediction'] });
    },
  });
}

function storedWeights(network: DenoisingNetwork): TierWeights[] {
  return network.kind === 'pasd' ? [network.weights, network.controlNet.weights] : [network.weights];
}

/** Estimated bytes of the network at work: weights and activations. */
export function networkBytes(
  network: DenoisingNetwork,
  { tier, ...sizes }: Pick<NetworkSizes, 'width' | 'height' | 'batch'> & { readonly tier: Tier },
): number {
  const stored = storedWeights(network).reduce((sum, { stored: { index } }) => sum + loadedBytes(index, { tier }), 0);
  const isHalf = tier === 'webgpu-fp16' && network.weights.stored.index['conv_in.bias']?.type === 'float16';
  const activations = unetActivationBytes(network.config, { ...sizes, elementBytes: isHalf ? 2 : 4 });
  // A ControlNet's residuals wait beside the UNet's own.
  return stored + (network.kind === 'pasd' ? 1.4 : 1) * activations;
}

/** Values alive at once at the finest level beside the skips, in units of its channels; most where its transformers gate. */
const FINEST_LEVEL = { withAttention: 10, without: 5 } as const;

/** onnxruntime keeps buffers for later, in sizes of its own. */
const KEPT = 2;

/**
 * Estimated bytes of a UNet's activations: what waits for the way up, and the widest layers of the finest level. A quick
 * approximation of `activationMemory`, which walks through the graph.
 */
export function unetActivationBytes(
  { levels }: UnetTrunkConfig,
  {
    width,
    height,
    batch,
    elementBytes,
  }: { readonly width: number; readonly height: number; readonly batch: number; readonly elementBytes: number },
): number {
  const [finest] = levels;
  const widest = finest && finest.downTransformers > 0 ? FINEST_LEVEL.withAttention : FINEST_LEVEL.without;
  let perLatent = widest * (finest?.channels ?? 0);
  levels.forEach(({ channels, layers }, i) => {
    perLatent += ((layers + 2) * channels) / 4 ** i;
  });
  return KEPT * batch * width * height * perLatent * elementBytes;
}

/**
 * Side of the largest square of latents expected to fit a budget, a multiple of what the network halves.
 * @returns at least that multiple; infinite where even an absurd side would fit
 */
export function largestSide(
  network: DenoisingNetwork,
  { budget, tier, multiple = latentMultiple(network.config) }: { budget: number; tier: Tier; multiple?: number },
): number {
  const fits = ({ width }: LatentSize) => networkBytes(network, { width, height: width, batch: 1, tier }) <= budget;
  if (fits({ width: LARGEST_SIDE, height: LARGEST_SIDE })) return Number.POSITIVE_INFINITY;
  let side = multiple;
  while (fits({ width: side + multiple, height: side + multiple })) side += multiple;
  return side;
}

/** 8192 pixels. */
const LARGEST_SIDE = 1024;
