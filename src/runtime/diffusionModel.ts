import type { SchedulerConfig } from '../diffusion/schedulerConfig.ts';
import { autoencoderDownscale } from '../graph/autoencoderConfig.ts';
import type {
  Denoiser,
  DenoisingOptions,
  DeviceTensor,
  DiffusionModel,
  LatentSize,
  MemoryFallback,
  TensorDevice,
} from '../pipeline/diffusionPorts.ts';
import type { WeightedPrompt } from '../prompt/weightedPrompt.ts';
import { OnnxDenoiser } from './denoiser.ts';
import { largestSide, type ModelRuntime, type NetworkSizes, networkBytes, openNetwork } from './denoisingNetwork.ts';
import { type DiffusionFolder, readDiffusionFolder } from './diffusionFolder.ts';
import type { DiffusionPack } from './diffusionPack.ts';
import { loadDiffusionTokenizer } from './diffusionTokenizer.ts';
import { ImageCodec } from './imageCodec.ts';
import { latentRgb } from './latentRgb.ts';
import type { ModelPart } from './modelPart.ts';
import { EncodedPrompt, type OpenTextEncoder, PromptEncoder } from './promptEncoder.ts';

/**
 * Opens a compiled diffusion model. No session is made yet, and no weight is read.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`: the pack's files do not fit; whatever `shard` throws
 */
export async function openDiffusionModel(runtime: ModelRuntime, pack: DiffusionPack): Promise<OnnxDiffusionModel> {
  const folder = await readDiffusionFolder(pack);
  const encoders: OpenTextEncoder[] = [];
  for (const part of folder.textEncoders) {
    encoders.push({ ...part, tokens: await loadDiffusionTokenizer(pack.folder, part.tokenizerDirectory) });
  }
  return new OnnxDiffusionModel(pack, { runtime, folder, encoders });
}

/**
 * A diffusion model on onnxruntime. Parts load when first used, and again after a change of tier, a lost device or when
 * others needed the memory; sizes are graphs of their own that share the stored weights, one at a time. Whoever opened it
 * disposes it.
 */
export class OnnxDiffusionModel implements DiffusionModel {
  readonly modelName: string;
  readonly task: 'inpainting' | 'restoration';
  readonly nativeSize: number;
  readonly downscale: number;
  readonly latentChannels: number;
  readonly scheduler: SchedulerConfig;
  readonly latentRgb: DiffusionModel['latentRgb'];
  readonly #runtime: ModelRuntime;
  readonly #folder: DiffusionFolder;
  readonly #prompts: PromptEncoder;
  readonly #network: ModelPart<NetworkSizes>;
  readonly #codec: ImageCodec;
  readonly #fallbacks: MemoryFallback[] = [];
  /** Latents of the smallest area, counted once for each text, that did not fit. */
  #tooManyLatents = Number.POSITIVE_INFINITY;

  /** Use {@link openDiffusionModel}. */
  constructor(
    { modelName, task }: DiffusionPack,
    {
      runtime,
      folder,
      encoders,
    }: { runtime: ModelRuntime; folder: DiffusionFolder; encoders: readonly OpenTextEncoder[] },
  ) {
    const { config } = folder.autoencoder;
    this.modelName = modelName;
    this.task = task;
    this.nativeSize = folder.nativeSize;
    this.downscale = autoencoderDownscale(config);
    this.latentChannels = config.latentChannels;
    this.scheduler = folder.scheduler;
    this.latentRgb = latentRgb(config);
    this.#runtime = runtime;
    this.#folder = folder;
    this.#prompts = new PromptEncoder(encoders, { runtime, modelName });
    this.#network = openNetwork(folder.network, { runtime, modelName });
    this.#codec = new ImageCodec(folder.autoencoder, {
      runtime,
      modelName,
      onFallback: (fallback) => this.#fallBack(fallback),
    });
  }

  get device(): TensorDevice {
    return this.#runtime.tensors;
  }

  get largestTile(): number {
    const { residency, status } = this.#runtime;
    const expected = largestSide(this.#folder.network, { budget: residency.budget.bytes, tier: status.tier });
    const known = Math.floor(Math.sqrt(this.#tooManyLatents / 2) / this.#multiple) * this.#multiple;
    return Math.max(this.#multiple, Math.min(expected, known));
  }

  get fallbacks(): readonly MemoryFallback[] {
    return [...this.#fallbacks];
  }

  async encodePrompt(prompt: WeightedPrompt): Promise<EncodedPrompt> {
    await this.#runtime.ready();
    return this.#prompts.encode(prompt);
  }

  async encodeImage(
    pixels: Float32Array,
    size: { readonly width: number; readonly height: number },
  ): Promise<DeviceTensor> {
    await this.#runtime.ready();
    return this.#codec.encode(pixels, size);
  }

  async decodeLatents(latents: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    await this.#runtime.ready();
    return this.#codec.decode(latents);
  }

  async openDenoiser(options: DenoisingOptions): Promise<Denoiser> {
    await this.#runtime.ready();
    const { size, inpaint, control } = options;
    const { network, emptyIsZero } = this.#folder;
    if ((network.kind === 'pasd') !== (control !== undefined)) {
      throw new TypeError(`${this.modelName} ${control ? 'takes no' : 'needs a'} control image`);
    }
    if ((network.config.inChannels === 9) !== (inpaint !== undefined)) {
      throw new TypeError(`${this.modelName} ${inpaint ? 'takes no' : 'needs a'} mask`);
    }
    const positive = encoded(options.positive);
    const negative = options.negative && encoded(options.negative);
    const chunks = Math.max(positive.chunks, negative?.chunks ?? 1);
    const texts = [positive.padded(chunks)];
    if (negative) texts.unshift(negative.padded(chunks, { zeros: emptyIsZero && negative.isEmpty }));
    const pixels = { width: size.width * this.downscale, height: size.height * this.downscale };
    const original = options.originalSize ?? pixels;
    // Original size, the crop's corner, target size, each with its height first (diffusers' `_get_add_time_ids`).
    const timeIds = [original.height, original.width, 0, 0, pixels.height, pixels.width];
    return new OnnxDenoiser({
      ...{ size, texts, ...(inpaint && { inpaint }), ...(control && { control }) },
      runtime: this.#runtime,
      network: this.#network,
      tokens: chunks * positive.tokensPerChunk,
      timeIds: network.config.addedEmbedding ? timeIds : null,
      channels: this.latentChannels,
      isBatched: () => this.#isBatched(size),
      onOutOfMemory: (batch) => this.#runOut(size, batch),
    });
  }

  /** Frees all parts. The model can be used again and then loads them anew. */
  async dispose(): Promise<void> {
    await Promise.all([this.#prompts.unload(), this.#network.unload(), this.#codec.unload()]);
  }

  get #multiple(): number {
    return 2 ** (this.#folder.network.config.levels.length - 1);
  }

  /** Both sides of guidance in one run are faster, and take twice the activations. */
  #isBatched(size: LatentSize): boolean {
    const { residency, status } = this.#runtime;
    const bytes = networkBytes(this.#folder.network, { ...size, batch: 2, tier: status.tier });
    const isBatched = bytes <= residency.budget.bytes && 2 * size.width * size.height < this.#tooManyLatents;
    if (!isBatched) {
      this.#fallBack({
        kind: 'sequentialGuidance',
        text: `${this.modelName} computed both sides of guidance one after the other, which takes less memory and more time.`,
      });
    }
    return isBatched;
  }

  #runOut({ width, height }: LatentSize, batch: number): void {
    this.#tooManyLatents = Math.min(this.#tooManyLatents, batch * width * height);
    if (batch > 1) return;
    const pixels = this.largestTile * this.downscale;
    this.#fallBack({
      kind: 'smallerDenoisingTile',
      text: `Memory was too small for ${this.modelName} to work on ${width * this.downscale} × ${height * this.downscale} pixels at once; ${pixels} × ${pixels} may fit, or a pack of lower precision.`,
    });
  }

  #fallBack(fallback: MemoryFallback): void {
    if (!this.#fallbacks.some(({ kind }) => kind === fallback.kind)) this.#fallbacks.push(fallback);
  }
}

function encoded(text: DenoisingOptions['positive']): EncodedPrompt {
  if (!(text instanceof EncodedPrompt)) throw new TypeError('The text was encoded by another model');
  return text;
}
