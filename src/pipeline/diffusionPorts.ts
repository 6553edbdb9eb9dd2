/**
 * What repainting and restoring need from the outside: interfaces only. `runtime` implements them with onnxruntime and its
 * own GPU kernels; tests implement them with arrays, so that the whole refiner runs in Node.
 */
import type { SchedulerConfig } from '../diffusion/schedulerConfig.ts';
import type { WeightedPrompt } from '../prompt/weightedPrompt.ts';

/** float32 numbers where the models run: a GPU buffer, or an array on `wasm`. Whoever makes one disposes it. */
export interface DeviceTensor {
  readonly dims: readonly number[];
  dispose(): void;
}

/** Arithmetic on tensors where they lie. Nothing is read back but what `read` and `allFinite` say. */
export interface TensorDevice {
  /** A new tensor with these values; zeros without. */
  create(dims: readonly number[], values?: Float32Array): DeviceTensor;
  write(tensor: DeviceTensor, values: Float32Array): void;
  /** `target := Σ factor · source`, at most 8 terms of the target's length. The target may be a source. */
  combine(target: DeviceTensor, terms: readonly { readonly source: DeviceTensor; readonly factor: number }[]): void;
  /**
   * Copies a window between tensors `[1, channels, height, width]` of possibly different height and width, multiplied by
   * `weights` `[height, width]` of the window where given, added to what is there if `add`.
   */
  copyWindow(
    source: DeviceTensor,
    target: DeviceTensor,
    window: {
      readonly from: { readonly x: number; readonly y: number };
      readonly to: { readonly x: number; readonly y: number };
      readonly width: number;
      readonly height: number;
      readonly weights?: DeviceTensor;
      readonly add?: boolean;
    },
  ): void;
  /** Reads back: 4 bytes a number. */
  read(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>>;
  /** Whether no number is NaN or infinite; reads back 4 bytes. */
  allFinite(tensor: DeviceTensor): Promise<boolean>;
}

export interface LatentSize {
  /** In latents: pixels / {@link DiffusionModel.downscale}. */
  readonly width: number;
  readonly height: number;
}

/** Text as a denoiser reads it; opaque to the pipeline. */
export interface TextConditioning {
  dispose(): void;
}

/** What one run of denoising is conditioned on. Tensors stay the caller's. */
export interface DenoisingOptions {
  readonly size: LatentSize;
  readonly positive: TextConditioning;
  /** Null: no classifier-free guidance, so `unconditional` is null. */
  readonly negative: TextConditioning | null;
  /** SDXL's size conditioning, in pixels; models without it ignore it. Default: the size in pixels. */
  readonly originalSize?: { readonly width: number; readonly height: number };
  /** For inpainting models: `[1, 1, h, w]`, 1 = repaint, and the latents of the image with the mask's pixels grey. */
  readonly inpaint?: { readonly mask: DeviceTensor; readonly maskedLatents: DeviceTensor };
  /** For PASD: the low-quality image, `[1, 3, H, W]` in 0..1, and how strongly it conditions (1 as published). */
  readonly control?: { readonly image: DeviceTensor; readonly scale: number };
}

/** A denoiser ready for one size and conditioning. */
export interface Denoiser {
  /**
   * Predicts what the model was trained to predict (noise or v).
   * @param sample `[1, channels, h, w]`, already scaled by the step's `inputScale`
   * @returns tensors owned by the denoiser, valid until its next call
   * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`
   */
  predict(
    sample: DeviceTensor,
    timestep: number,
  ): Promise<{ readonly conditional: DeviceTensor; readonly unconditional: DeviceTensor | null }>;
  dispose(): void;
}

/** What a model did for want of memory. */
export interface MemoryFallback {
  readonly kind: 'sequentialGuidance' | 'smallerAutoencoderTile' | 'smallerDenoisingTile';
  /** A sentence for the user. */
  readonly text: string;
}

/**
 * A diffusion model with its text encoders and autoencoder. Parts load when first used and leave when the memory budget
 * needs room (residency): callers need not know, and nothing but the tensors they made is theirs to free.
 *
 * After `DeviceLostError` all tensors and denoisers made before are gone; the model itself can be used again, first by one
 * of its asynchronous calls (`encodePrompt`, `encodeImage`, `openDenoiser`…), which opens a new device: until then making a
 * tensor throws `DeviceLostError` as well, and so does any use of one that is gone. Text conditioning survives.
 */
export interface DiffusionModel {
  /** Identifies the checkpoint; shown and written into records. */
  readonly modelName: string;
  readonly task: 'inpainting' | 'restoration';
  /** Side in pixels the model was trained at: 512 or 1024; `tiny` checkpoints less. */
  readonly nativeSize: number;
  /** Pixels per latent, 8. */
  readonly downscale: number;
  readonly latentChannels: number;
  /** As published in `scheduler/scheduler_config.json`. */
  readonly scheduler: SchedulerConfig;
  /** `rgb = bias + factors · latent`, `[3][channels]`, RGB in −1..1: a rough picture of latents for previews. */
  readonly latentRgb: { readonly factors: readonly (readonly number[])[]; readonly bias: readonly number[] };
  readonly device: TensorDevice;
  /**
   * Side in latents of the largest square that memory is expected to hold when denoising. Falls when `predict` or
   * `openDenoiser` throws `OutOfMemoryError`: try again with tiles no larger. Absent: nothing is known.
   */
  readonly largestTile?: number;
  /** Fallbacks so far, oldest first, each kind once. */
  readonly fallbacks?: readonly MemoryFallback[];
  encodePrompt(prompt: WeightedPrompt): Promise<TextConditioning>;
  /**
   * Latents of an image, scaled as the denoiser wants them; the posterior's mean.
   * @param pixels `[3, height, width]`, RGB in −1..1; sides multiples of {@link downscale}
   */
  encodeImage(pixels: Float32Array, size: { readonly width: number; readonly height: number }): Promise<DeviceTensor>;
  /** The image of latents: `[3, height, width]`, RGB about −1..1, not clamped. */
  decodeLatents(latents: DeviceTensor): Promise<Float32Array<ArrayBuffer>>;
  openDenoiser(options: DenoisingOptions): Promise<Denoiser>;
}
