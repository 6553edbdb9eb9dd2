import { bytesSource } from '../../src/checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../../src/checkpoint/dtypes.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { planSampling } from '../../src/diffusion/planSampling.ts';
import { sample, startingLatents } from '../../src/diffusion/sample.ts';
import type { SamplerName } from '../../src/diffusion/samplerName.ts';
import { UserError } from '../../src/errors.ts';
import type { Precision } from '../../src/graph/weights.ts';
import type { DeviceTensor } from '../../src/pipeline/diffusionPorts.ts';
import { unweightedPrompt } from '../../src/prompt/promptWeights.ts';
import { type Conditions, denoiseImage } from '../../src/refine/denoiseImage.ts';
import { StagePrompts } from '../../src/refine/stagePrompts.ts';
import { type CodecTile, codecTiles } from '../../src/runtime/codecTiles.ts';
import type { ModelRuntime } from '../../src/runtime/denoisingNetwork.ts';
import { type OnnxDiffusionModel, openDiffusionModel } from '../../src/runtime/diffusionModel.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';
import { syntheticPixels } from '../clip/clipComparison.ts';
import { fetchFixture } from '../pages/fetchFixture.ts';
import { onTier } from '../pages/onTier.ts';
import { relativeError } from '../pages/relativeError.ts';
import { countGpuBytes } from '../runtime/gpuBytes.ts';
import { countMappedBytes } from './mappedBytes.ts';
import { compileTinyPack, type TinyPipeline } from './tinyPack.ts';

const gpuBytes = navigator.gpu ? countGpuBytes() : () => 0;

/** Of reference/pipeline_goldens.py. */
const [HEIGHT, WIDTH, STEPS, GUIDANCE] = [64, 96, 3, 3];
const PROMPT = 'a photo of a red cat, sitting on a wooden table';
const NEGATIVE: Readonly<Record<TinyPipeline, string>> = {
  'sd-inpainting-tiny': 'blurry, dotted',
  'sdxl-inpainting-tiny': '',
  'pasd-tiny': 'blurry, dotted',
};
const SAMPLERS: Readonly<Record<TinyPipeline, SamplerName>> = {
  'sd-inpainting-tiny': 'ddim',
  'sdxl-inpainting-tiny': 'euler',
  'pasd-tiny': 'unipc',
};
const CONDITIONING_SCALE = 0.8;

/** `picture(0, 96)` of reference/tiny_diffusion.py, its first 64 rows: `[3, 64, 96]`, about −1..1. */
function image(): Float32Array<ArrayBuffer> {
  const mean = [0.48145466, 0.4578275, 0.40821073];
  const std = [0.26862954, 0.26130258, 0.27577711];
  const square = syntheticPixels(0, WIDTH);
  return Float32Array.from({ length: 3 * HEIGHT * WIDTH }, (_, i) => {
    const channel = Math.floor(i / (HEIGHT * WIDTH));
    const place = channel * WIDTH * WIDTH + (i % (HEIGHT * WIDTH));
    return 2 * ((square[place] as number) * (std[channel] as number) + (mean[channel] as number)) - 1;
  });
}

function isRepainted(x: number, y: number): boolean {
  return y >= 16 && y < 48 && x >= 24 && x < 72;
}

/** What the network reads besides text, and the image's latents. */
async function makeConditions(model: OnnxDiffusionModel): Promise<Conditions & { masked: DeviceTensor | null }> {
  const { device, downscale } = model;
  const [width, height] = [WIDTH / downscale, HEIGHT / downscale];
  const pixels = image();
  const made: DeviceTensor[] = [];
  const own = (tensor: DeviceTensor) => {
    made.push(tensor);
    return tensor;
  };
  const dispose = () => {
    for (const tensor of made) tensor.dispose();
  };
  try {
    const latents = own(await model.encodeImage(pixels, { width: WIDTH, height: HEIGHT }));
    if (model.task === 'restoration') {
      const condition = pixels.map((value) => Math.min(1, Math.max(0, (value + 1) / 2)));
      const control = { image: own(device.create([1, 3, HEIGHT, WIDTH], condition)), scale: CONDITIONING_SCALE };
      return { image: latents, denoising: { control }, masked: null, dispose };
    }
    const grey = pixels.map((value, i) => {
      const place = i % (HEIGHT * WIDTH);
      return isRepainted(place % WIDTH, Math.floor(place / WIDTH)) ? 0 : value;
    });
    const masked = own(await model.encodeImage(grey, { width: WIDTH, height: HEIGHT }));
    const values = Float32Array.from({ length: width * height }, (_, i) =>
      Number(isRepainted(downscale * (i % width), downscale * Math.floor(i / width))),
    );
    const mask = own(device.create([1, 1, height, width], values));
    return { image: latents, denoising: { inpaint: { mask, maskedLatents: masked } }, masked, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function planOf(model: OnnxDiffusionModel, name: TinyPipeline) {
  return planSampling({ sampler: SAMPLERS[name], scheduler: model.scheduler, steps: STEPS, strength: 1 });
}

function promptsOf(model: OnnxDiffusionModel, name: TinyPipeline): StagePrompts {
  return new StagePrompts(model, {
    positive: PROMPT,
    negative: NEGATIVE[name],
  });
}

/** A whole run, with everything on the way read back. */
async function paint(model: OnnxDiffusionModel, { name, noise }: { name: TinyPipeline; noise: Float32Array }) {
  const { device } = model;
  const plan = planOf(model, name);
  const text = await promptsOf(model, name).encoded();
  const conditions = await makeConditions(model);
  const size = { width: WIDTH / model.downscale, height: HEIGHT / model.downscale };
  const latents = startingLatents(plan, { device, image: conditions.image, noise });
  const denoiser = await model.openDenoiser({ size, ...text, ...conditions.denoising });
  try {
    const imageLatents = await device.read(conditions.image);
    const maskedLatents = conditions.masked && (await device.read(conditions.masked));
    const steps: Float32Array[] = [];
    await sample({
      ...{ plan, denoiser, device, latents },
      guidanceScale: GUIDANCE,
      noise: () => new Float32Array(noise.length),
      previewEvery: 1,
      onPreview: ({ snapshot }) => steps.push(snapshot.latents),
    });
    const last = await device.read(latents);
    return { imageLatents, maskedLatents, steps, latents: last, pixels: await model.decodeLatents(latents) };
  } finally {
    denoiser.dispose();
    latents.dispose();
    conditions.dispose();
  }
}

/** What `diffusion.spec.ts` calls. Results are plain data. */
const tests = {
  /** Runs a tiny pipeline on a tier; errors against diffusers, relative to each golden's largest number. */
  async paint(
    name: TinyPipeline,
    { tier, precision, budget = null }: { tier: Tier; precision: Precision; budget?: number | null },
  ): Promise<{ errors: Record<string, number>; fallbacks: string[]; loaded: string[]; milliseconds: number }> {
    return withModel(name, { tier, precision }, async (model, runtime) => {
      if (budget !== null) await runtime.residency.setBudget(budget);
      const golden = await readGolden(name);
      const start = performance.now();
      const painted = await paint(model, { name, noise: golden('noise') });
      return {
        errors: {
          'image latents': relativeError(painted.imageLatents, golden('image_latents')),
          ...(painted.maskedLatents && {
            'masked latents': relativeError(painted.maskedLatents, golden('masked_latents')),
          }),
          ...Object.fromEntries(
            painted.steps.map((step, i) => [`step ${i}`, relativeError(step, golden(`step_${i}`))]),
          ),
          latents: relativeError(painted.latents, golden(`step_${STEPS - 1}`)),
          pixels: relativeError(painted.pixels, golden('pixels')),
        },
        fallbacks: model.fallbacks.map(({ kind }) => kind),
        loaded: runtime.residency.loaded,
        milliseconds: Math.round(performance.now() - start),
      };
    });
  },

  /**
   * Loses the device in each of some stages of a job; the job as the refiner runs it.
   * @returns for each the largest difference from the job undisturbed, what the user was told, the steps told of; at last the
   *   bytes left
   */
  async interrupt<Stage extends 'encode' | 'denoise' | 'decode'>(
    name: TinyPipeline,
    stages: readonly Stage[],
  ): Promise<{ jobs: { difference: number; notices: string[]; steps: number[] }[]; bytes: number }> {
    const jobs: { difference: number; notices: string[]; steps: number[] }[] = [];
    await withModel(name, { tier: 'webgpu-fp32', precision: 'fp32' }, async (model, runtime) => {
      const noise = (await readGolden(name))('noise');
      const run = async (loseIn: Stage | null) => {
        const [notices, steps]: [string[], number[]] = [[], []];
        let pending: string | null = loseIn;
        const losing = (stage: string) => {
          if (pending !== stage) return;
          pending = null;
          // In the middle: when the GPU is handed the next commands.
          const { submit } = GPUQueue.prototype;
          GPUQueue.prototype.submit = function (commands) {
            GPUQueue.prototype.submit = submit;
            runtime.loseDevice();
            return submit.call(this, commands);
          };
        };
        const pixels = await denoiseImage({
          model,
          prompts: promptsOf(model, name),
          plan: planOf(model, name),
          guidanceScale: GUIDANCE,
          pixels: { width: WIDTH, height: HEIGHT },
          makeConditions: async () => {
            losing('encode');
            return makeConditions(model);
          },
          noise: (step, length) => (step < 0 ? noise : new Float32Array(length)),
          onStep: (done) => {
            steps.push(done);
            if (done === STEPS) losing('decode');
          },
          // After the second step, which is a point to go on from.
          onPreview: () => losing('denoise'),
          onNotice: (text) => notices.push(text),
          signal: { aborted: false },
          restarts: { count: 0 },
        });
        return { pixels, notices, steps };
      };
      const undisturbed = await run(null);
      for (const stage of stages) {
        const { pixels, ...told } = await run(stage);
        jobs.push({ difference: largestDifference(undisturbed.pixels, pixels), ...told });
      }
    });
    return { jobs, bytes: gpuBytes() };
  },

  /** Bytes that go over the bus in the steps of a sampling without previews, and after it. */
  async countTraffic(
    name: TinyPipeline,
    tier: Tier,
  ): Promise<{ stepBytes: number; mappedBytes: number; writtenBytes: number; endBytes: number }> {
    return withModel(name, { tier, precision: 'fp32' }, async (model, runtime) => {
      const { device } = model;
      const plan = planOf(model, name);
      const text = await promptsOf(model, name).encoded();
      const conditions = await makeConditions(model);
      const noise = (await readGolden(name))('noise');
      const latents = startingLatents(plan, { device, image: conditions.image, noise });
      const size = { width: WIDTH / model.downscale, height: HEIGHT / model.downscale };
      const denoiser = await model.openDenoiser({ size, ...text, ...conditions.denoising });
      const before = runtime.tensors.traffic;
      const mapped = countMappedBytes();
      let after = before;
      let mappedBytes = 0;
      await sample({
        ...{ plan, denoiser, device, latents },
        guidanceScale: GUIDANCE,
        noise: (_) => noise,
        onStep: (done, total) => {
          if (done < total) return;
          after = runtime.tensors.traffic;
          mappedBytes = mapped();
        },
      });
      const end = runtime.tensors.traffic;
      denoiser.dispose();
      conditions.dispose();
      latents.dispose();
      return {
        stepBytes: after.readBytes - before.readBytes,
        mappedBytes,
        writtenBytes: after.writtenBytes - before.writtenBytes,
        endBytes: end.readBytes - before.readBytes,
      };
    });
  },

  /**
   * GPU bytes after each of `count` times that parts of a model were loaded and left again: in every tenth all of them, else
   * a text encoder and the decoder of a small picture.
   */
  async loadAndLeave(
    name: TinyPipeline,
    count: number,
  ): Promise<{ alive: number[]; after: number[]; end: number; loaded: string[] }> {
    const [alive, after]: [number[], number[]] = [[], []];
    const loaded = new Set<string>();
    await withModel(name, { tier: 'webgpu-fp32', precision: 'fp32' }, async (model, runtime) => {
      const { device } = model;
      runtime.residency.watchLoading((progress) => loaded.add(progress.name));
      for (let i = 0; i < count; i++) {
        const positive = await model.encodePrompt(unweightedPrompt(PROMPT));
        const latents = device.create([1, 4, 4, 4], new Float32Array(64).fill(0.1 * i));
        if (i % 10 === 0) {
          const conditions = await makeConditions(model);
          const size = { width: WIDTH / model.downscale, height: HEIGHT / model.downscale };
          const denoiser = await model.openDenoiser({ size, positive, negative: null, ...conditions.denoising });
          await denoiser.predict(conditions.image, 500);
          denoiser.dispose();
          conditions.dispose();
        }
        await model.decodeLatents(latents);
        alive.push(gpuBytes());
        latents.dispose();
        await model.dispose();
        after.push(gpuBytes());
      }
    });
    return { alive, after, end: gpuBytes(), loaded: [...loaded].sort() };
  },

  /**
   * A run on a machine whose memory is full above some size: of the network, in texts times latents, and of the
   * autoencoder, in pixels.
   */
  async runOutOfMemory(most: { network: number; autoencoder: number }): Promise<{
    error: string;
    latentError: number;
    fallbacks: string[];
    largestTile: number;
    attempts: string[];
  }> {
    const name = 'sd-inpainting-tiny';
    return withModel(name, { tier: 'wasm', precision: 'fp32' }, async (_, runtime) => {
      const attempts: string[] = [];
      const full = new UserError('OutOfMemoryError', 'It is full');
      const small: ModelRuntime = {
        ...{ residency: runtime.residency, status: runtime.status, tensors: runtime.tensors },
        ready: () => runtime.ready(),
        async createSession(...args) {
          const session = await runtime.createSession(...args);
          return {
            ...{ isUsable: true, dispose: () => session.dispose() },
            run(feeds, into) {
              const { prediction } = into ?? {};
              const [batch = 0, , height = 0, width = 0] = prediction?.dims ?? [];
              if (prediction) attempts.push(`${batch} × ${width}x${height}`);
              if (batch * height * width > most.network) throw full;
              const [, , down = 0, across = 0] = feeds.pixels?.dims ?? [];
              if (down * across > most.autoencoder) throw full;
              return session.run(feeds, into);
            },
          };
        },
      };
      const model = await openDiffusionModel(
        small,
        await compileTinyPack(name, { precision: 'fp32', readFixture: fetchFixture }),
      );
      const golden = await readGolden(name);
      const painted = await paint(model, { name, noise: golden('noise') }).catch((error: Error) => error);
      return {
        error: painted instanceof Error ? painted.name : 'none',
        latentError:
          painted instanceof Error ? Number.NaN : relativeError(painted.latents, golden(`step_${STEPS - 1}`)),
        fallbacks: model.fallbacks.map(({ kind }) => kind),
        largestTile: model.largestTile,
        attempts,
      };
    });
  },

  /**
   * An image in tiles against its tiles one by one: largest differences relative to the largest number, and fallbacks told.
   */
  async compareTiles(tier: Tier): Promise<{ latents: number; pixels: number; fallbacks: string[] }> {
    return withModel('sd-inpainting-tiny', { tier, precision: 'fp32' }, async (model, runtime) => {
      // Too small for anything: tiles are the smallest there are, 128 pixels, and each part leaves before the next comes.
      await runtime.residency.setBudget(1);
      const [width, height] = [208, 160];
      const pixels = Float32Array.from({ length: 3 * width * height }, (_, i) => Math.sin(i * i * 0.0001 + i * 0.07));
      const whole = { width, height };
      const tiles = codecTiles({ width: width / 8, height: height / 8 }, { side: 16, overlap: 4 });
      const fineTiles = codecTiles({ width: width / 8, height: height / 8 }, { side: 16, overlap: 4, scale: 8 });

      const encoded = await model.encodeImage(pixels, whole);
      const latents = await model.device.read(encoded);
      const expected = new Float32Array(latents.length);
      for (const tile of tiles) {
        const part = await model.encodeImage(cut(pixels, { ...whole, tile: scaled(tile, 8) }), {
          width: 128,
          height: 128,
        });
        paste(expected, await model.device.read(part), { width: width / 8, height: height / 8, tile, weights: tile });
        part.dispose();
      }
      const decoded = await model.decodeLatents(encoded);
      const expectedPixels = new Float32Array(decoded.length);
      for (const [i, tile] of tiles.entries()) {
        const values = cut(latents, { width: width / 8, height: height / 8, tile });
        const part = model.device.create([1, 4, tile.height, tile.width], values);
        const weights = fineTiles[i] as CodecTile;
        paste(expectedPixels, await model.decodeLatents(part), { ...whole, tile: scaled(tile, 8), weights });
        part.dispose();
      }
      encoded.dispose();
      return {
        latents: relativeError(latents, expected),
        pixels: relativeError(decoded, expectedPixels),
        fallbacks: model.fallbacks.map(({ kind }) => kind),
      };
    });
  },
};

type Place = Pick<CodecTile, 'x' | 'y' | 'width' | 'height'>;

function scaled({ x, y, width, height }: Place, factor: number): Place {
  return { x: x * factor, y: y * factor, width: width * factor, height: height * factor };
}

/** A tile of `[channels, height, width]`. */
function cut(
  values: Float32Array,
  { width, height, tile }: { width: number; height: number; tile: Place },
): Float32Array<ArrayBuffer> {
  const channels = values.length / (width * height);
  const { x, y } = tile;
  return Float32Array.from({ length: channels * tile.width * tile.height }, (_, i) => {
    const channel = Math.floor(i / (tile.width * tile.height));
    const row = Math.floor(i / tile.width) % tile.height;
    return values[(channel * height + y + row) * width + x + (i % tile.width)] as number;
  });
}

/** Adds a tile to `[channels, height, width]`, weighted. */
function paste(
  whole: Float32Array,
  values: Float32Array,
  {
    width,
    height,
    tile,
    weights,
  }: { width: number; height: number; tile: Place; weights: Pick<CodecTile, 'columns' | 'rows'> },
): void {
  values.forEach((value, i) => {
    const channel = Math.floor(i / (tile.width * tile.height));
    const [row, column] = [Math.floor(i / tile.width) % tile.height, i % tile.width];
    const at = (channel * height + tile.y + row) * width + tile.x + column;
    whole[at] = (whole[at] as number) + value * (weights.rows[row] as number) * (weights.columns[column] as number);
  });
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

async function withModel<T>(
  name: TinyPipeline,
  { tier, precision }: { tier: Tier; precision: Precision },
  use: (model: OnnxDiffusionModel, runtime: Runtime) => Promise<T>,
): Promise<T> {
  return onTier(tier, async (runtime) => {
    const pack = await compileTinyPack(name, { precision, readFixture: fetchFixture });
    return use(await openDiffusionModel(runtime, pack), runtime);
  });
}

async function readGolden(name: TinyPipeline): Promise<(tensor: string) => Float32Array> {
  const path = `golden/${name}.pipeline.safetensors`;
  const { tensors } = await openSafetensors(bytesSource(path, await fetchFixture(path)));
  const values = new Map<string, Float32Array>();
  for (const [tensor, stored] of tensors) values.set(tensor, await tensorAsFloat32(stored));
  return (tensor) => {
    const found = values.get(tensor);
    if (!found) throw new RangeError(`No golden "${tensor}"`);
    return found;
  };
}

export type DiffusionTests = typeof tests;
Object.assign(globalThis, { diffusionTests: tests });
