import type { Denoiser, DenoisingOptions, DeviceTensor } from '../pipeline/diffusionPorts.ts';
import type { ModelRuntime, NetworkSizes } from './denoisingNetwork.ts';
import type { ModelPart } from './modelPart.ts';
import { isOutOfMemory } from './residency.ts';
import type { PlacedTensor, TensorData } from './session.ts';

/** Text as the network takes it: one or both sides of guidance, with the same number of tokens. */
export interface GuidanceText {
  /** `[tokens, width]`. */
  readonly hidden: Float32Array;
  /** `[pooledWidth]`; null where the network takes none. */
  readonly pooled: Float32Array | null;
}

export interface OnnxDenoiserOptions extends Pick<DenoisingOptions, 'size' | 'inpaint' | 'control'> {
  readonly runtime: ModelRuntime;
  readonly network: ModelPart<NetworkSizes>;
  /** Unconditional first, if there is one. */
  readonly texts: readonly GuidanceText[];
  readonly tokens: number;
  /** SDXL's six sizes in pixels; null for others. */
  readonly timeIds: readonly number[] | null;
  readonly channels: number;
  /** Whether to try both sides of guidance in one run; called again after each run that failed for want of memory. */
  readonly isBatched: () => boolean;
  /** Told when a run in this batch did not fit the memory; then `isBatched` may change its mind. */
  readonly onOutOfMemory: (batch: number) => void;
}

/** One run of the network: which texts, and where the predictions go. */
interface Pass {
  readonly batch: number;
  readonly hidden: DeviceTensor;
  readonly pooled: DeviceTensor | null;
  readonly timeIds: DeviceTensor | null;
  /** Null: a run of one writes straight to its result. */
  readonly prediction: DeviceTensor | null;
}

/** A denoiser on onnxruntime. Its inputs lie on the device from the start; a step uploads its timestep and nothing else. */
export class OnnxDenoiser implements Denoiser {
  readonly #options: OnnxDenoiserOptions;
  readonly #results: DeviceTensor[] = [];
  #passes: Pass[] = [];
  /** Settles when the device has finished the last prediction. */
  #inFlight: Promise<void> = Promise.resolve();
  #isDisposed = false;

  constructor(options: OnnxDenoiserOptions) {
    this.#options = options;
    const { runtime, size, channels, texts } = options;
    try {
      this.#makePasses();
      for (const _ of texts) this.#results.push(runtime.tensors.create([1, channels, size.height, size.width]));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  async predict(
    sample: DeviceTensor,
    timestep: number,
  ): Promise<{ readonly conditional: DeviceTensor; readonly unconditional: DeviceTensor | null }> {
    if (this.#isDisposed) throw new TypeError('The denoiser is disposed');
    for (;;) {
      try {
        await this.#runAll(sample, timestep);
        break;
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        const batch = Math.max(...this.#passes.map((pass) => pass.batch));
        this.#options.onOutOfMemory(batch);
        if (batch === 1 || this.#options.isBatched()) throw error;
        this.#disposePasses();
        this.#makePasses();
      }
    }
    // The device may be one prediction behind: it never waits for the next one's commands, and a cancelled job leaves at
    // most one behind.
    const previous = this.#inFlight;
    this.#inFlight = this.#options.runtime.tensors.finished();
    this.#inFlight.catch(() => {});
    await previous;
    const [first, second] = this.#results as [DeviceTensor, DeviceTensor | undefined];
    return second ? { unconditional: first, conditional: second } : { unconditional: null, conditional: first };
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#disposePasses();
    for (const tensor of this.#results) tensor.dispose();
  }

  async #runAll(sample: DeviceTensor, timestep: number): Promise<void> {
    const { runtime, network, size, tokens, channels } = this.#options;
    const { tensors } = runtime;
    const expected = [1, channels, size.height, size.width];
    if (String(sample.dims) !== String(expected))
      throw new RangeError(`sample is [${sample.dims}], expected [${expected}]`);
    const time = { dims: [1], data: Float32Array.of(timestep) };
    for (const [i, pass] of this.#passes.entries()) {
      // Throws where they lay on a device that is gone, before anything is loaded for them.
      const feeds = { ...this.#feeds(pass), sample: tensors.placed(sample), timestep: time };
      const prediction = pass.prediction ?? (this.#results[i] as DeviceTensor);
      const into = { prediction: tensors.placed(prediction) };
      await network.use({ ...size, batch: pass.batch, tokens }, (session) => session.run(feeds, into));
      if (!pass.prediction) continue;
      const count = channels * size.height * size.width;
      this.#results.forEach((result, text) => {
        tensors.copyRange(prediction, result, { from: text * count, to: 0, count });
      });
    }
  }

  #feeds({ hidden, pooled, timeIds }: Pass): Record<string, TensorData | PlacedTensor> {
    const { runtime, inpaint, control } = this.#options;
    const placed = (tensor: DeviceTensor) => runtime.tensors.placed(tensor);
    return {
      encoder_hidden_states: placed(hidden),
      ...(pooled && { text_embeds: placed(pooled) }),
      ...(timeIds && { time_ids: placed(timeIds) }),
      ...(inpaint && { mask: placed(inpaint.mask), masked_image_latents: placed(inpaint.maskedLatents) }),
      ...(control && {
        condition: placed(control.image),
        conditioning_scale: { dims: [1], data: Float32Array.of(control.scale) },
      }),
    };
  }

  #makePasses(): void {
    const { texts, isBatched } = this.#options;
    const groups = texts.length > 1 && isBatched() ? [texts] : texts.map((text) => [text]);
    for (const group of groups) this.#passes.push(this.#makePass(group));
  }

  #makePass(texts: readonly GuidanceText[]): Pass {
    const { runtime, tokens, timeIds, size, channels } = this.#options;
    const { tensors } = runtime;
    const batch = texts.length;
    const upload = (dims: readonly number[], rows: readonly ArrayLike<number>[]) => {
      const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
      rows.forEach((row, i) => {
        values.set(row, i * row.length);
      });
      return tensors.create(dims, values);
    };
    const width = (texts[0] as GuidanceText).hidden.length / tokens;
    const pooled = texts.flatMap((text) => text.pooled ?? []);
    return {
      batch,
      hidden: upload(
        [batch, tokens, width],
        texts.map((text) => text.hidden),
      ),
      pooled: pooled.length === 0 ? null : upload([batch, (pooled[0] as Float32Array).length], pooled),
      timeIds: timeIds && upload([batch, timeIds.length], Array(batch).fill(timeIds)),
      prediction: batch === 1 ? null : tensors.create([batch, channels, size.height, size.width]),
    };
  }

  #disposePasses(): void {
    for (const { hidden, pooled, timeIds, prediction } of this.#passes) {
      for (const tensor of [hidden, pooled, timeIds, prediction]) tensor?.dispose();
    }
    this.#passes = [];
  }
}
