import type { InferenceSession } from 'onnxruntime-web';
import { syntheticPixels } from '../../e2e/clip/clipComparison.ts';
import { MemorySink } from '../../e2e/clip/memorySink.ts';
import type { ByteSource } from '../../src/checkpoint/byteSource.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { parseClipConfig } from '../../src/graph/clipConfig.ts';
import { buildClipVision } from '../../src/graph/clipVision.ts';
import { compileClip } from '../../src/graph/compileClip.ts';
import type { Precision } from '../../src/graph/weights.ts';
import { buildFor, loadOnnxRuntime, wasmThreads } from '../../src/runtime/onnxRuntime.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';

/** What the bench compares on one tier, in this order. */
const CONTESTANTS = ['ours', 'torch'] as const;
type Contestant = (typeof CONTESTANTS)[number];

export interface BenchOptions {
  readonly tier: Tier;
  readonly precision: Extract<Precision, 'fp32' | 'fp16'>;
  readonly imageSize: number;
  readonly rounds: number;
  /** Address of the folder that export_torch.py filled. */
  readonly folder: string;
}

/** Measurements of one encoder on one tier; times in milliseconds. */
export interface Measured {
  /** The ONNX file and the weights it uses. */
  readonly modelBytes: number;
  /** Making the session, from bytes in memory. */
  readonly loadTime: number;
  /** The first run, with everything that is compiled on it. */
  readonly firstRun: number;
  readonly runs: readonly number[];
}

export interface BenchResult {
  readonly measured: Readonly<Record<Contestant, Measured>>;
  /** Largest difference of the two encoders' outputs, relative to the largest number. */
  readonly difference: number;
  /** Compiling the checkpoint's weights, both towers. */
  readonly compileTime: number;
  readonly environment: { readonly runtime: string; readonly adapter: string; readonly threads: number };
}

interface Model {
  readonly graph: Uint8Array;
  readonly weights: ReadonlyMap<string, Uint8Array>;
  readonly bytes: number;
}

/** Runs the two encoders in turns on one tier. */
async function bench(options: BenchOptions): Promise<BenchResult> {
  const { tier, imageSize, rounds, folder, precision } = options;
  const runtime = await Runtime.start({ preferred: tier });
  if (runtime.status.tier !== tier) throw new Error(`${tier} is not available: ${JSON.stringify(runtime.status)}`);
  const ort = await loadOnnxRuntime(buildFor(tier));
  const { ours, compileTime } = await compileOurs(options);
  const graph = await fetchBytes(`${folder}/torch-${imageSize}-${precision}.onnx`);
  const models: Record<Contestant, Model> = {
    ours,
    torch: { graph, weights: new Map(), bytes: graph.byteLength },
  };
  const pixels = new ort.Tensor('float32', syntheticPixels(0, imageSize), [1, 3, imageSize, imageSize]);

  const sessions = {} as Record<Contestant, InferenceSession>;
  const outputs = {} as Record<Contestant, Float32Array>;
  const measured = {} as Record<Contestant, Measured & { runs: number[] }>;
  for (const name of CONTESTANTS) {
    const { graph, weights, bytes } = models[name];
    const loading = performance.now();
    sessions[name] = await ort.InferenceSession.create(graph, {
      // Nodes the GPU cannot run may go to the CPU: the peer is not to be refused for what ours never does.
      executionProviders: runtime.device ? [{ name: 'webgpu', device: runtime.device }] : ['wasm'],
      externalData: [...weights].map(([path, data]) => ({ path, data })),
    });
    const running = performance.now();
    const { cls, patch_features } = await sessions[name].run({ pixel_values: pixels });
    const done = performance.now();
    outputs[name] = Float32Array.from(
      [cls, patch_features].flatMap((output) => (output ? [...(output.data as Float32Array)] : [])),
    );
    measured[name] = { modelBytes: bytes, loadTime: running - loading, firstRun: done - running, runs: [] };
  }
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes, in case the second gains or loses by it.
    for (const name of round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed()) {
      const start = performance.now();
      await sessions[name].run({ pixel_values: pixels });
      measured[name].runs.push(performance.now() - start);
    }
  }
  for (const name of CONTESTANTS) await sessions[name].release();
  const { adapter } = runtime.status;
  await runtime.dispose();
  return {
    measured,
    difference: difference(outputs.ours, outputs.torch),
    compileTime,
    environment: {
      runtime: `onnxruntime-web ${ort.env.versions.web}`,
      adapter: adapter?.description || `${adapter?.vendor} ${adapter?.architecture}`,
      threads: wasmThreads(),
    },
  };
}

async function compileOurs({ folder, precision, imageSize }: BenchOptions) {
  const start = performance.now();
  const source = await rangeSource(`${folder}/checkpoint/model.safetensors`);
  const config = parseClipConfig(await (await fetch(`${folder}/checkpoint/config.json`)).json());
  const sink = new MemorySink();
  const weights = await compileClip(await openSafetensors(source), config, { precision, sink });
  const graph = buildClipVision(config, weights, { imageSize });
  const names = new TextDecoder('latin1').decode(graph);
  const used = Object.entries(weights).filter(([name]) => names.includes(name));
  const bytes = used.reduce((sum, [, { byteLength }]) => sum + byteLength, graph.byteLength);
  const ours: Model = { graph, weights: sink.shards, bytes };
  return { ours, compileTime: performance.now() - start };
}

/** A file of the server, read piece by piece, as the app reads one from a disk. */
async function rangeSource(url: string): Promise<ByteSource> {
  const head = await fetch(url, { method: 'HEAD' });
  return {
    name: url,
    size: Number(head.headers.get('content-length')),
    async read(start, end) {
      if (start === end) return new Uint8Array();
      const response = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` } });
      if (response.status !== 206) throw new Error(`${url}: ${response.status} instead of a part`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function difference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  let largestDifference = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(b[i] as number));
    largestDifference = Math.max(largestDifference, Math.abs((a[i] as number) - (b[i] as number)));
  }
  return largestDifference / largest;
}

Object.assign(globalThis, { bench });
