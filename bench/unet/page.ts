import { MemorySink } from '../../e2e/clip/memorySink.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { compileWeights } from '../../src/graph/compileWeights.ts';
import { buildUnet } from '../../src/graph/unet.ts';
import { parseUnetConfig } from '../../src/graph/unetConfig.ts';
import { unetRecipes } from '../../src/graph/unetWeights.ts';
import type { Precision } from '../../src/graph/weights.ts';
import type { Tier } from '../../src/runtime/status.ts';
import { type HeapPeaks, watchHeaps } from '../heaps.ts';
import { type Contestant, type Model, runInTurns, type TurnsResult } from '../inTurns.ts';
import { watchProfile } from '../operatorTimes.ts';
import { fetchBytes, rangeSource } from '../serverFiles.ts';

export interface BenchOptions {
  readonly tier: Tier;
  readonly precision: Extract<Precision, 'fp32' | 'fp16'>;
  /** One of export_torch.py's models. */
  readonly model: string;
  readonly rounds: number;
  /** Address of the folder that export_torch.py filled. */
  readonly folder: string;
  /** Only this one, to see its heaps apart. */
  readonly alone?: Contestant;
  /** Whether to look where the time goes. Then the steps themselves take longer. */
  readonly profile?: boolean;
}

/** What export_torch.py writes beside a model. */
interface Shape {
  readonly side: number;
  readonly batch: number;
  readonly tokens: number;
  readonly parameters: number;
}

export interface UnetResult extends TurnsResult {
  readonly shape: Shape;
  readonly heaps: HeapPeaks;
}

/** Runs the two UNets in turns on one tier: one step of denoising, both halves of the guidance in one batch. */
async function bench(options: BenchOptions): Promise<UnetResult> {
  const { tier, rounds, folder, precision, model, profile = false } = options;
  const heaps = watchHeaps();
  const operatorTimes = profile ? watchProfile() : undefined;
  const name = `${folder}/${model}-${precision}`;
  const shape: Shape = await (await fetch(`${name}.json`)).json();
  const { side, batch, tokens } = shape;
  const models: Partial<Record<Contestant, () => Promise<Model>>> = {
    ours: () => compileOurs(options, shape),
    torch: async () => {
      const graph = await fetchBytes(`${name}.onnx`);
      return { graph, weights: new Map(), bytes: graph.byteLength };
    },
  };
  const result = await runInTurns(models, {
    contestants: options.alone ? [options.alone] : ['ours', 'torch'],
    tier,
    rounds,
    feeds: {
      sample: { data: waves(4 * side ** 2, 0.7), dims: [1, 4, side, side] },
      mask: { data: waves(side ** 2, 0.1).map((value) => (value > 0 ? 1 : 0)), dims: [1, 1, side, side] },
      masked_image_latents: { data: waves(4 * side ** 2, 0.3), dims: [1, 4, side, side] },
      timestep: { data: Float32Array.of(501), dims: [1] },
      encoder_hidden_states: { data: waves(batch * tokens * 768, 0.9), dims: [batch, tokens, 768] },
    },
    outputs: ['prediction'],
    ...(operatorTimes && { profile: operatorTimes }),
  });
  return { ...result, shape, heaps: heaps() };
}

async function compileOurs({ folder, model, precision, tier }: BenchOptions, shape: Shape): Promise<Model> {
  const config = parseUnetConfig(await (await fetch(`${folder}/${model}/config.json`)).json());
  const source = await rangeSource(`${folder}/${model}/diffusion_pytorch_model.safetensors`);
  const sink = new MemorySink();
  const weights = await compileWeights(
    { checkpoint: await openSafetensors(source), recipes: unetRecipes(config) },
    { precision, sink },
  );
  const { side, batch, tokens } = shape;
  const provider = tier === 'wasm' ? 'wasm' : 'webgpu';
  const graph = buildUnet(config, weights, { provider, height: side, width: side, batch, tokens });
  // As the app reads them: from a file, which is nowhere in memory.
  const shards = new Map([...sink.shards].map(([path, bytes]) => [path, new Blob([bytes as Uint8Array<ArrayBuffer>])]));
  const bytes = Object.values(weights).reduce((sum, { byteLength }) => sum + byteLength, graph.byteLength);
  return { graph, weights: shards, bytes };
}

/** Numbers like normal ones, the same everywhere. */
function waves(count: number, frequency: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 1.4 * Math.sin(frequency * i + Math.sin(i)));
}

Object.assign(globalThis, { bench });
