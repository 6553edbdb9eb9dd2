import { bytesSource } from '../../src/checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../../src/checkpoint/dtypes.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { planSampling } from '../../src/diffusion/planSampling.ts';
import { sample, startingLatents } from '../../src/diffusion/sample.ts';
import type { SamplerName } from '../../src/diffusion/samplerName.ts';
import type { Precision } from '../../src/graph/weights.ts';
import type { DenoisingOptions, DeviceTensor } from '../../src/pipeline/diffusionPorts.ts';
import { unweightedPrompt } from '../../src/prompt/promptWeights.ts';
import { type OnnxDiffusionModel, openDiffusionModel } from '../../src/runtime/diffusionModel.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { Tier } from '../../src/runtime/status.ts';
import { syntheticPixels } from '../clip/clipComparison.ts';
import { countGpuBytes } from '../runtime/gpuBytes.ts';
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

/** What may happen to the device while a job runs. */
type Interruption = 'encode' | 'denoise' | 'decode' | null;

interface PaintOptions {
  readonly noise: Float32Array;
  readonly sampler: SamplerName;
  readonly negative: string;
  readonly onStep?: (done: number) => void;
  readonly onStage?: (stage: 'encode' | 'denoise' | 'decode') => void;
}

/** A whole run: text, conditions, sampling from noise, decoding; as the pipeline does it. */
async function paint(model: OnnxDiffusionModel, { noise, sampler, negative, onStep, onStage }: PaintOptions) {
  const size = { width: WIDTH / model.downscale, height: HEIGHT / model.downscale };
  const plan = planSampling({ sampler, scheduler: model.scheduler, steps: STEPS, strength: 1 });
  const pixels = image();
  onStage?.('encode');
  const positive = await model.encodePrompt(unweightedPrompt(PROMPT));
  const negativeText = await model.encodePrompt(unweightedPrompt(negative));
  const made: DeviceTensor[] = [];
  const own = (tensor: DeviceTensor) => {
    made.push(tensor);
    return tensor;
  };
  try {
    const clean = own(await model.encodeImage(pixels, { width: WIDTH, height: HEIGHT }));
    const imageLatents = await model.device.read(clean);
    let conditions: Pick<DenoisingOptions, 'inpaint' | 'control'>;
    if (model.task === 'inpainting') {
      const masked = pixels.map((value, i) => {
        const place = i % (HEIGHT * WIDTH);
        return isRepainted(place % WIDTH, Math.floor(place / WIDTH)) ? 0 : value;
      });
      const maskedLatents = own(await model.encodeImage(masked, { width: WIDTH, height: HEIGHT }));
      const values = Float32Array.from({ length: size.width * size.height }, (_, i) =>
        Number(isRepainted(8 * (i % size.width), 8 * Math.floor(i / size.width))),
      );
      conditions = {
        inpaint: { mask: own(model.device.create([1, 1, size.height, size.width], values)), maskedLatents },
      };
    } else {
      const condition = pixels.map((value) => Math.min(1, Math.max(0, (value + 1) / 2)));
      const control = own(model.device.create([1, 3, HEIGHT, WIDTH], condition));
      conditions = { control: { image: control, scale: CONDITIONING_SCALE } };
    }
    const latents = own(startingLatents(plan, { device: model.device, image: clean, noise }));
    const denoiser = await model.openDenoiser({ size, positive, negative: negativeText, ...conditions });
    onStage?.('denoise');
    const steps: Float32Array[] = [];
    try {
      await sample({
        plan,
        denoiser,
        device: model.device,
        latents,
        guidanceScale: GUIDANCE,
        noise: () => new Float32Array(noise.length),
        ...(onStep ? { onStep } : {}),
      });
    } finally {
      denoiser.dispose();
    }
    const last = await model.device.read(latents);
    onStage?.('decode');
    return { imageLatents, latents: last, pixels: await model.decodeLatents(latents), steps };
  } finally {
    for (const tensor of made) tensor.dispose();
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
      const painted = await paint(model, {
        noise: golden('noise'),
        sampler: SAMPLERS[name],
        negative: NEGATIVE[name],
      });
      return {
        errors: {
          'image latents': relativeError(painted.imageLatents, golden('image_latents')),
          latents: relativeError(painted.latents, golden(`step_${STEPS - 1}`)),
          pixels: relativeError(painted.pixels, golden('pixels')),
        },
        fallbacks: model.fallbacks.map(({ kind }) => kind),
        loaded: runtime.residency.loaded,
        milliseconds: Math.round(performance.now() - start),
      };
    });
  },
};

async function withModel<T>(
  name: TinyPipeline,
  { tier, precision }: { tier: Tier; precision: Precision },
  use: (model: OnnxDiffusionModel, runtime: Runtime) => Promise<T>,
): Promise<T> {
  const runtime = await Runtime.start({ preferred: tier });
  try {
    if (runtime.status.tier !== tier) throw new Error(JSON.stringify(runtime.status));
    return await use(
      await openDiffusionModel(runtime, await compileTinyPack(name, { precision, readFixture })),
      runtime,
    );
  } finally {
    await runtime.dispose();
  }
}

async function readGolden(name: TinyPipeline): Promise<(tensor: string) => Float32Array> {
  const path = `golden/${name}.pipeline.safetensors`;
  const { tensors } = await openSafetensors(bytesSource(path, await readFixture(path)));
  const values = new Map<string, Float32Array>();
  for (const [tensor, stored] of tensors) values.set(tensor, await tensorAsFloat32(stored));
  return (tensor) => {
    const found = values.get(tensor);
    if (!found) throw new RangeError(`No golden "${tensor}"`);
    return found;
  };
}

async function readFixture(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function relativeError(actual: Float32Array, golden: Float32Array): number {
  if (actual.length !== golden.length) throw new RangeError(`${actual.length} numbers, expected ${golden.length}`);
  const largest = golden.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return golden.reduce((most, value, i) => Math.max(most, Math.abs((actual[i] as number) - value)), 0) / largest;
}

export type DiffusionTests = typeof tests;
Object.assign(globalThis, { diffusionTests: tests });
