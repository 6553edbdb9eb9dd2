/**
 * One process of ours on a machine without a browser: `node ours.mjs REQUEST.json` loads a compiled UNet into onnxruntime-web
 * on Dawn, on a device opened and patched as the app's, and times its steps. Beside it lie dawn.node and onnxruntime-web's
 * files (prepare.mjs).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type * as Ort from 'onnxruntime-web';
import { MemorySink } from '../../e2e/clip/memorySink.ts';
import type { ByteSource } from '../../src/checkpoint/byteSource.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { compileWeights } from '../../src/graph/compileWeights.ts';
import { planWeights } from '../../src/graph/storedLayout.ts';
import { buildUnet } from '../../src/graph/unet.ts';
import { parseUnetConfig, TIME_IDS, type UnetConfig } from '../../src/graph/unetConfig.ts';
import { unetRecipes } from '../../src/graph/unetWeights.ts';
import { describeAdapter, requestAdapter } from '../../src/runtime/adapter.ts';
import { type GpuDevice, openDevice } from '../../src/runtime/device.ts';
import type { ShaderPatch } from '../../src/runtime/shaderPatches.ts';
import { probeShaders } from '../../src/runtime/shaderProbes.ts';
import { webgpuOptions } from '../../src/runtime/webgpuOptions.ts';
import { countKernels, installWebGpu } from './dawn.ts';
import { type RandomWeights, randomWeights } from './randomWeights.ts';
import type { UnetAnswer, UnetRequest } from './unetRequest.ts';

/** run.py knows what to say about it. */
const NO_ADAPTER = 3;

const beside = (file: string) => new URL(file, import.meta.url);

async function main(request: UnetRequest): Promise<UnetAnswer> {
  installWebGpu(fileURLToPath(beside('dawn.node')));
  const adapter = await suitableAdapter(request);
  const status = describeAdapter(adapter);
  const patches = new Set<ShaderPatch>();
  const gpu = await openDevice(request.profile ? withTimestamps(adapter) : adapter, { patches });
  void gpu.lost.then((reason) => fail(`The device was lost: ${reason}`));
  const needed = await probeShaders(gpu.device);
  note('probes done');
  for (const patch of needed) if (!request.without.includes(patch)) patches.add(patch);

  const ort: typeof Ort = await import(/* @vite-ignore */ beside('ort.webgpu.min.mjs').href);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = new Uint8Array(readFileSync(beside('ort-wasm-simd-threaded.asyncify.wasm'))).buffer;
  ort.env.wasm.wasmPaths = beside('./').href;
  ort.env.logLevel = 'error';

  const config = parseUnetConfig(JSON.parse(readFileSync(request.config, 'utf8')));
  const { index, shards } = await weightsOf(config, request.checkpoint);
  note('weights made');
  const { height, width, batch, tokens, layout, graphCapture } = request;
  const graph = buildUnet(config, index, { provider: 'webgpu', height, width, batch, tokens });
  const finished = () => gpu.device.queue.onSubmittedWorkDone();

  const loading = performance.now();
  const session = await ort.InferenceSession.create(graph, {
    ...webgpuOptions(gpu, { placed: ['prediction'], layout }),
    externalData: [...shards].map(([path, data]) => ({ path, data })),
    enableGraphCapture: graphCapture,
    enableProfiling: request.profile,
  });
  await finished();
  const loadTime = performance.now() - loading;
  note('session made');

  const feeds: Record<string, Ort.Tensor> = {};
  for (const [name, { data, dims }] of Object.entries(inputsOf(config, request))) {
    feeds[name] = ort.Tensor.fromGpuBuffer(buffer(gpu, data.byteLength, data), { dataType: 'float32', dims });
  }
  const dims = [batch, config.outChannels, height, width];
  const bytes = 4 * dims.reduce((product, dim) => product * dim, 1);
  const output = buffer(gpu, bytes);
  const fetches = { prediction: ort.Tensor.fromGpuBuffer(output, { dataType: 'float32', dims }) };
  const step = async () => {
    const start = performance.now();
    await session.run(feeds, fetches);
    await finished();
    return performance.now() - start;
  };

  const firstRun = await step();
  note('first run done');
  const counter = countKernels();
  await step();
  const kernels = counter.count;
  const warm = performance.now() + 1000 * request.warmUpSeconds;
  for (let i = 1; i < request.warmUp || performance.now() < warm; i++) await step();
  const steps: number[] = [];
  for (let i = 0; i < request.steps; i++) steps.push(await step());
  const prediction = await readBack(gpu, { place: output, bytes });
  writeFileSync(request.output, new Uint8Array(prediction.buffer));
  // Goes to standard output, where run.py reads it.
  if (request.profile) session.endProfiling();
  return {
    adapter: status.description || `${status.vendor} ${status.architecture}`,
    runtime: `onnxruntime-web ${ort.env.versions.web}, Node ${process.version}`,
    needed: [...needed],
    installed: [...patches],
    weightBytes: [...shards.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
    loadTime,
    firstRun,
    steps,
    kernels,
    finite: prediction.every(Number.isFinite),
    rms: Math.sqrt(prediction.reduce((sum, value) => sum + value * value, 0) / prediction.length),
  };
}

async function suitableAdapter({ allowSoftware }: UnetRequest): Promise<GPUAdapter> {
  const adapter = await requestAdapter();
  if (!adapter) {
    console.error('Dawn found no Vulkan adapter');
    process.exit(NO_ADAPTER);
  }
  const { description, isSoftware, hasF16 } = describeAdapter(adapter);
  if (isSoftware && !allowSoftware) {
    console.error(`Dawn found no GPU, only "${description}", which computes on the CPU`);
    process.exit(NO_ADAPTER);
  }
  if (!hasF16) fail(`"${description}" has no shader-f16`);
  return adapter;
}

/** The adapter, opening its device with timestamps too. */
function withTimestamps(adapter: GPUAdapter): GPUAdapter {
  const { features, limits } = adapter;
  const requestDevice = (descriptor: GPUDeviceDescriptor = {}) =>
    adapter.requestDevice({
      ...descriptor,
      requiredFeatures: [...(descriptor.requiredFeatures ?? []), 'timestamp-query'],
    });
  return { features, limits, requestDevice } as GPUAdapter;
}

async function weightsOf(config: UnetConfig, checkpoint: string | undefined): Promise<RandomWeights> {
  const recipes = unetRecipes(config);
  if (!checkpoint) return randomWeights(planWeights(recipes, 'fp16'));
  const sink = new MemorySink({ limit: 2 ** 30 });
  const file = await open(checkpoint);
  const source: ByteSource = {
    name: checkpoint,
    size: (await file.stat()).size,
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new Error(`${checkpoint} ends early`);
        at += bytesRead;
      }
      return bytes;
    },
  };
  const opened = await openSafetensors(source);
  const index = await compileWeights({ checkpoint: opened, recipes }, { precision: 'fp16', sink });
  await file.close();
  return { index, shards: sink.shards };
}

interface Input {
  readonly data: Float32Array<ArrayBuffer>;
  readonly dims: readonly number[];
}

/** Inputs of a step; torch_unet.py makes the same. */
function inputsOf(config: UnetConfig, { height, width, batch, tokens }: UnetRequest): Record<string, Input> {
  const waves = (frequency: number, ...dims: number[]): Input => ({
    data: Float32Array.from(
      { length: dims.reduce((product, dim) => product * dim, 1) },
      (_, i) => 1.4 * Math.sin(frequency * i + Math.sin(i)),
    ),
    dims,
  });
  const inputs: Record<string, Input> = {
    sample: waves(0.7, 1, 4, height, width),
    timestep: { data: Float32Array.of(501), dims: [1] },
    encoder_hidden_states: waves(0.9, batch, tokens, config.crossWidth),
  };
  if (config.inChannels === 9) {
    const mask = waves(0.1, 1, 1, height, width);
    inputs.mask = { ...mask, data: mask.data.map((value) => (value > 0 ? 1 : 0)) };
    inputs.masked_image_latents = waves(0.3, 1, 4, height, width);
  }
  if (config.addedEmbedding) {
    const size = [8 * height, 8 * width, 0, 0, 8 * height, 8 * width];
    inputs.text_embeds = waves(0.5, batch, config.addedEmbedding.pooledWidth);
    inputs.time_ids = {
      data: Float32Array.from({ length: batch * TIME_IDS }, (_, i) => size[i % TIME_IDS] as number),
      dims: [batch, TIME_IDS],
    };
  }
  return inputs;
}

function buffer({ device }: GpuDevice, bytes: number, data?: Float32Array<ArrayBuffer>): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const made = device.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage });
  if (data) device.queue.writeBuffer(made, 0, data);
  return made;
}

async function readBack({ device }: GpuDevice, { place, bytes }: { place: GPUBuffer; bytes: number }) {
  const readable = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(place, 0, readable, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(GPUMapMode.READ);
  return new Float32Array(readable.getMappedRange().slice(0));
}

/** For whoever has to find out why a process was stopped. */
function note(stage: string): void {
  console.error(`${(performance.now() / 1000).toFixed(1)} s: ${stage}`);
}

function fail(problem: string): never {
  console.error(problem);
  process.exit(1);
}

// With nothing to do, Node would wait for its compiler's threads, which improve the runtime's largest functions for minutes.
setInterval(() => {}, 1000);
const request: UnetRequest = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
main(request).then(
  (answer) => {
    writeFileSync(request.answer, JSON.stringify(answer));
    // Dawn's threads would keep the process.
    process.exit(0);
  },
  (error: Error) => fail(error.stack ?? String(error)),
);
