import { syntheticPixels } from '../../e2e/clip/clipComparison.ts';
import { MemorySink } from '../../e2e/clip/memorySink.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { parseClipConfig } from '../../src/graph/clipConfig.ts';
import { buildClipVision } from '../../src/graph/clipVision.ts';
import { compileClip } from '../../src/graph/compileClip.ts';
import type { Precision } from '../../src/graph/weights.ts';
import type { Tier } from '../../src/runtime/status.ts';
import { type Model, runInTurns, type TurnsResult } from '../inTurns.ts';
import { fetchBytes, rangeSource } from '../serverFiles.ts';

export interface BenchOptions {
  readonly tier: Tier;
  readonly precision: Extract<Precision, 'fp32' | 'fp16'>;
  readonly imageSize: number;
  readonly rounds: number;
  /** Address of the folder that export_torch.py filled. */
  readonly folder: string;
}

/** Runs the two encoders in turns on one tier. */
async function bench(options: BenchOptions): Promise<TurnsResult> {
  const { tier, imageSize, rounds, folder, precision } = options;
  return runInTurns(
    {
      ours: () => compileOurs(options),
      torch: async () => {
        const graph = await fetchBytes(`${folder}/torch-${imageSize}-${precision}.onnx`);
        return { graph, weights: new Map(), bytes: graph.byteLength };
      },
    },
    {
      tier,
      rounds,
      feeds: { pixel_values: { data: syntheticPixels(0, imageSize), dims: [1, 3, imageSize, imageSize] } },
      outputs: ['cls', 'patch_features'],
    },
  );
}

async function compileOurs({ folder, precision, imageSize }: BenchOptions): Promise<Model> {
  const source = await rangeSource(`${folder}/checkpoint/model.safetensors`);
  const config = parseClipConfig(await (await fetch(`${folder}/checkpoint/config.json`)).json());
  const sink = new MemorySink();
  const weights = await compileClip(await openSafetensors(source), config, { precision, sink });
  const graph = buildClipVision(config, weights, { imageSize });
  const names = new TextDecoder('latin1').decode(graph);
  const used = Object.entries(weights).filter(([name]) => names.includes(name));
  return {
    graph,
    weights: sink.shards,
    bytes: used.reduce((sum, [, { byteLength }]) => sum + byteLength, graph.byteLength),
  };
}

Object.assign(globalThis, { bench });
