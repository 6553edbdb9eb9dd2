/**
 * One image through a diffusion model: conditions made, latents sampled, decoded. Survives the loss of the GPU: everything on it
 * is made again, and sampling goes on from the last step that was read back.
 */
import { type SamplingPreview, type SamplingSnapshot, sample, startingLatents } from '../diffusion/sample.ts';
import type { SamplingPlan } from '../diffusion/samplingPlan.ts';
import { abortError, UserError } from '../errors.ts';
import type { Denoiser, DenoisingOptions, DeviceTensor, DiffusionModel } from '../pipeline/diffusionPorts.ts';
import type { StagePrompts } from './stagePrompts.ts';

/** How often a stage starts again on a new device before it gives up. */
export const largestRestarts = 3;

/** Steps between previews. Each is also a point to go on from, and costs reading the latents back. */
export const previewEvery = 2;

/** What a model reads besides text; the tensors are disposed with it. */
export interface Conditions {
  /** Latents of the image sampling starts from. */
  readonly image: DeviceTensor;
  readonly denoising: Pick<DenoisingOptions, 'inpaint' | 'control'>;
  readonly dispose: () => void;
}

/** What to denoise. */
export interface DenoiseJob {
  readonly model: DiffusionModel;
  readonly prompts: StagePrompts;
  readonly plan: SamplingPlan;
  readonly guidanceScale: number;
  /** Of the image; multiples of the model's `downscale`. */
  readonly pixels: { readonly width: number; readonly height: number };
  /** Makes what the model reads; again on a new device. */
  readonly makeConditions: () => Promise<Conditions>;
  /** Opens what predicts; default: the model's own denoiser for the whole image. */
  readonly openDenoiser?: (options: DenoisingOptions) => Promise<Denoiser>;
  /** N(0, 1), as many as asked for: −1 for the start, else a step's. */
  readonly noise: (step: number, length: number) => Float32Array;
  readonly onStep: (done: number) => void;
  readonly onPreview: (preview: SamplingPreview) => void;
  readonly onNotice: (text: string) => void;
  readonly signal: { readonly aborted: boolean };
  /** Counts restarts over a whole stage. */
  readonly restarts: { count: number };
}

/**
 * @returns `[3, height, width]`, RGB about −1..1, not clamped, all finite
 * @throws AbortError; UserError `DeviceLostError` once {@link largestRestarts} did not help, `OutOfMemoryError`, `NumbersError`
 */
export async function denoiseImage(job: DenoiseJob): Promise<Float32Array<ArrayBuffer>> {
  let snapshot: SamplingSnapshot | null = null;
  for (;;) {
    if (job.signal.aborted) throw abortError();
    try {
      return await attempt(job, {
        snapshot,
        onPreview: (preview) => {
          snapshot = preview.snapshot;
          job.onPreview(preview);
        },
      });
    } catch (error) {
      // What the prompts held on the lost device is gone; on others they stay for the next region.
      if (!isUserError(error, 'DeviceLostError')) throw error;
      job.prompts.dispose();
      if (job.restarts.count >= largestRestarts) throw error;
      job.restarts.count++;
      const done = (snapshot as SamplingSnapshot | null)?.nextStep ?? 0;
      job.onNotice(
        `The GPU was lost (${error.message}). Going on from step ${done + 1} of ${job.plan.steps.length} on a new one.`,
      );
    }
  }
}

/** Whether an error is the one a user can act on of this name. */
export function isUserError(error: unknown, name: UserError['name']): error is UserError {
  return error instanceof UserError && error.name === name;
}

async function attempt(
  { model, prompts, plan, guidanceScale, pixels, noise, onStep, signal, ...job }: DenoiseJob,
  {
    snapshot,
    onPreview,
  }: { readonly snapshot: SamplingSnapshot | null; readonly onPreview: (preview: SamplingPreview) => void },
): Promise<Float32Array<ArrayBuffer>> {
  const { device, downscale } = model;
  const owned: { dispose(): void }[] = [];
  const own = <T extends { dispose(): void }>(resource: T): T => {
    owned.push(resource);
    return resource;
  };
  try {
    const text = await prompts.encoded();
    if (signal.aborted) throw abortError();
    const { image, denoising } = own(await job.makeConditions());
    if (signal.aborted) throw abortError();
    const length = image.dims.reduce((product, dim) => product * dim, 1);
    const latents = own(startingLatents(plan, { device, image, noise: noise(-1, length) }));
    const denoiser = own(
      await (job.openDenoiser ?? ((options: DenoisingOptions) => model.openDenoiser(options)))({
        size: { width: pixels.width / downscale, height: pixels.height / downscale },
        ...text,
        ...denoising,
      }),
    );
    await sample({
      plan,
      denoiser,
      device,
      latents,
      guidanceScale,
      noise: (step) => noise(step, length),
      previewEvery,
      onStep,
      onPreview,
      signal,
      ...(snapshot && { resumeFrom: snapshot }),
    });
    // The denoiser's buffers make room for the decoder's.
    owned.splice(owned.indexOf(denoiser), 1);
    denoiser.dispose();
    const decoded = await model.decodeLatents(latents);
    if (!allFinite(decoded)) {
      throw new UserError(
        'NumbersError',
        `${model.modelName} decoded to numbers that are no picture (NaN or infinite), so the image was left as it is; a higher precision of the model avoids this`,
      );
    }
    return decoded;
  } finally {
    for (const resource of owned.reverse()) resource.dispose();
  }
}

function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i] as number)) return false;
  return true;
}
