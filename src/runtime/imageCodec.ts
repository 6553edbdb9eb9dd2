import { buildAutoencoderDecoder, buildAutoencoderEncoder } from '../graph/autoencoder.ts';
import { type AutoencoderConfig, autoencoderDownscale } from '../graph/autoencoderConfig.ts';
import type { WeightIndex } from '../graph/weights.ts';
import type { DeviceTensor, LatentSize, MemoryFallback } from '../pipeline/diffusionPorts.ts';
import { type CodecTile, codecTiles, tileWeights } from './codecTiles.ts';
import type { ModelRuntime } from './denoisingNetwork.ts';
import type { DiffusionFolder } from './diffusionFolder.ts';
import { loadedBytes, readBytes } from './memoryEstimate.ts';
import { ModelPart } from './modelPart.ts';
import { isOutOfMemory } from './residency.ts';
import type { Tier } from './status.ts';
import { externalShards } from './tierWeights.ts';

type Half = 'encoder' | 'decoder';

/** Sides of tiles in pixels, largest first: PASD's own, and what smaller memories hold. */
const TILE_SIDES = [1024, 768, 512, 384, 256, 128];

/** Share of a tile that its neighbour covers as well (diffusers' `tile_overlap_factor`). */
const OVERLAP = 0.25;

/**
 * An autoencoder on onnxruntime: images to latents on the device, and back. Images that memory is not expected to hold go
 * in tiles that overlap and are blended.
 */
export class ImageCodec {
  readonly #config: AutoencoderConfig;
  readonly #weights: DiffusionFolder['autoencoder']['weights'];
  readonly #runtime: ModelRuntime;
  readonly #modelName: string;
  readonly #onFallback: (fallback: MemoryFallback) => void;
  readonly #parts: Readonly<Record<Half, ModelPart<LatentSize>>>;
  /** Side in pixels of the smallest tile that did not fit. */
  #tooLarge = Number.POSITIVE_INFINITY;

  constructor(
    { config, weights }: DiffusionFolder['autoencoder'],
    options: { runtime: ModelRuntime; modelName: string; onFallback: (fallback: MemoryFallback) => void },
  ) {
    this.#config = config;
    this.#weights = weights;
    this.#runtime = options.runtime;
    this.#modelName = options.modelName;
    this.#onFallback = options.onFallback;
    this.#parts = { encoder: this.#part('encoder'), decoder: this.#part('decoder') };
  }

  /**
   * Latents of an image, on the device.
   * @param pixels `[3, height, width]`, RGB in −1..1
   * @throws {RangeError} the sides are not multiples of the downscale, or there are not as many pixels
   */
  async encode(
    pixels: Float32Array,
    { width, height }: { readonly width: number; readonly height: number },
  ): Promise<DeviceTensor> {
    const scale = autoencoderDownscale(this.#config);
    if (width % scale !== 0 || height % scale !== 0 || pixels.length !== 3 * width * height) {
      throw new RangeError(`${pixels.length} numbers are not an image of ${width}×${height}, multiples of ${scale}`);
    }
    const size = { width: width / scale, height: height / scale };
    return this.#inTiles('encoder', { size, work: (tiles) => this.#encodeTiles(pixels, { size, tiles }) });
  }

  /**
   * The image of latents.
   * @returns `[3, height, width]`, RGB about −1..1
   */
  async decode(latents: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    const [, , height = 0, width = 0] = latents.dims;
    const size = { width, height };
    return this.#inTiles('decoder', { size, work: (tiles) => this.#decodeTiles(latents, { size, tiles }) });
  }

  /** Frees both halves; they load again when next used. */
  async unload(): Promise<void> {
    await Promise.all([this.#parts.encoder.unload(), this.#parts.decoder.unload()]);
  }

  async #encodeTiles(
    pixels: Float32Array,
    { size, tiles }: { size: LatentSize; tiles: readonly CodecTile[] },
  ): Promise<DeviceTensor> {
    const { tensors } = this.#runtime;
    const scale = autoencoderDownscale(this.#config);
    const channels = this.#config.latentChannels;
    const [{ width, height }] = tiles as [CodecTile];
    const made: DeviceTensor[] = [];
    const result = tensors.create([1, channels, size.height, size.width]);
    try {
      const own = (tensor: DeviceTensor) => {
        made.push(tensor);
        return tensor;
      };
      const part = tiles.length === 1 ? result : own(tensors.create([1, channels, height, width]));
      const weights = tiles.length === 1 ? null : own(tensors.create([height, width]));
      for (const tile of tiles) {
        const data = weights ? croppedPixels(pixels, { tile, scale, size }) : pixels;
        await this.#parts.encoder.use({ width, height }, (session) =>
          session.run(
            { pixels: { dims: [1, 3, height * scale, width * scale], data } },
            { latents: tensors.placed(part) },
          ),
        );
        if (!weights) continue;
        tensors.write(weights, tileWeights(tile));
        const window = { from: { x: 0, y: 0 }, to: tile, width, height };
        tensors.copyWindow(part, result, { ...window, weights, add: true });
      }
      await tensors.finished();
      return result;
    } catch (error) {
      result.dispose();
      throw error;
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }

  async #decodeTiles(
    latents: DeviceTensor,
    { size, tiles }: { size: LatentSize; tiles: readonly CodecTile[] },
  ): Promise<Float32Array<ArrayBuffer>> {
    const { tensors } = this.#runtime;
    const scale = autoencoderDownscale(this.#config);
    const [{ width, height }] = tiles as [CodecTile];
    const isWhole = tiles.length === 1;
    const part = isWhole ? latents : tensors.create([1, this.#config.latentChannels, height, width]);
    const result = new Float32Array(isWhole ? 0 : 3 * size.width * size.height * scale ** 2);
    try {
      for (const tile of tiles) {
        if (!isWhole) tensors.copyWindow(latents, part, { from: tile, to: { x: 0, y: 0 }, width, height });
        const { pixels } = await this.#parts.decoder.use({ width, height }, (session) =>
          session.run({ latents: tensors.placed(part) }),
        );
        if (!(pixels?.data instanceof Float32Array)) throw new TypeError('The autoencoder has no output "pixels"');
        if (isWhole) return pixels.data as Float32Array<ArrayBuffer>;
        addPixels(result, pixels.data, { tile, scale, size });
      }
      return result;
    } finally {
      if (!isWhole) part.dispose();
    }
  }

  /** Does work in the largest tiles expected to fit, and in smaller ones where they did not. */
  async #inTiles<T>(
    half: Half,
    { size, work }: { size: LatentSize; work: (tiles: readonly CodecTile[]) => Promise<T> },
  ): Promise<T> {
    const scale = autoencoderDownscale(this.#config);
    for (;;) {
      const side = this.#tileSide(half, size);
      const tiles = codecTiles(size, {
        side: side / scale,
        overlap: Math.round((side / scale) * OVERLAP),
        // Each half blends what it gives.
        scale: half === 'decoder' ? scale : 1,
      });
      try {
        return await work(tiles);
      } catch (error) {
        const [{ width, height }] = tiles as [CodecTile];
        const tried = Math.max(width, height) * scale;
        if (!isOutOfMemory(error) || tried <= SMALLEST_SIDE) throw error;
        this.#tooLarge = Math.min(this.#tooLarge, tried);
      }
    }
  }

  /** Side of a tile in pixels; as long as the image where that fits. */
  #tileSide(half: Half, { width, height }: LatentSize): number {
    const scale = autoencoderDownscale(this.#config);
    const whole = Math.max(width, height) * scale;
    const { bytes } = this.#runtime.residency.budget;
    const sides = [whole, ...TILE_SIDES.filter((side) => side < whole)];
    const fits = (side: number) => {
      const tile = { width: Math.min(side, width * scale), height: Math.min(side, height * scale) };
      return side < this.#tooLarge && this.#bytes(half, tile) <= bytes;
    };
    const side = sides.find(fits) ?? Math.min(whole, SMALLEST_SIDE);
    if (side < whole) {
      this.#onFallback({
        kind: 'smallerAutoencoderTile',
        text: `${this.#modelName} turned images into latents and back in tiles of ${side} pixels, which takes less memory; colours may differ a little from tile to tile.`,
      });
    }
    return side;
  }

  #part(half: Half): ModelPart<LatentSize> {
    const scale = autoencoderDownscale(this.#config);
    const build = half === 'encoder' ? buildAutoencoderEncoder : buildAutoencoderDecoder;
    return new ModelPart({
      name: `${this.#modelName} vae ${half}`,
      residency: this.#runtime.residency,
      key: ({ width, height }) => `${width}x${height}`,
      bytes: ({ width, height }) => this.#bytes(half, { width: width * scale, height: height * scale }),
      readBytes: () => readBytes(this.#weights.stored.index, { tier: this.#runtime.status.tier, prefix: half }),
      create: ({ width, height }, onBytes) => {
        const { tier } = this.#runtime.status;
        const weights = this.#weights.on(tier);
        // The encoder's graph has its sizes in pixels, the decoder's in latents.
        const factor = half === 'encoder' ? scale : 1;
        const graph = build(this.#config, weights.index, {
          provider: tier === 'wasm' ? 'wasm' : 'webgpu',
          width: width * factor,
          height: height * factor,
        });
        const placed = half === 'encoder' ? ['latents'] : [];
        return this.#runtime.createSession(graph, externalShards([weights], onBytes), { placed });
      },
    });
  }

  #bytes(half: Half, size: { width: number; height: number }): number {
    const { tier } = this.#runtime.status;
    return codecBytes({ config: this.#config, index: this.#weights.stored.index }, { half, tier, ...size });
  }
}

/** Estimated bytes of one half of an autoencoder at work on a tile of so many pixels. */
export function codecBytes(
  { config, index }: { readonly config: AutoencoderConfig; readonly index: WeightIndex },
  {
    half,
    tier,
    width,
    height,
  }: { readonly half: Half; readonly tier: Tier; readonly width: number; readonly height: number },
): number {
  const isHalf = tier === 'webgpu-fp16' && index[`${half}.conv_in.bias`]?.type === 'float16';
  const [finest = 0, second = finest] = config.channels;
  const perPixel = half === 'encoder' ? 4 * finest : 2 * finest + 2 * second;
  return loadedBytes(index, { tier, prefix: half }) + width * height * perPixel * (isHalf ? 2 : 4);
}

/** Nothing smaller is tried: what does not hold it holds no model. */
const SMALLEST_SIDE = Math.min(...TILE_SIDES);

/** A tile's pixels: `[3, height, width]`. */
function croppedPixels(
  pixels: Float32Array,
  { tile, scale, size }: { tile: CodecTile; scale: number; size: LatentSize },
): Float32Array<ArrayBuffer> {
  const [width, height] = [tile.width * scale, tile.height * scale];
  const [across, down] = [size.width * scale, size.height * scale];
  const cropped = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      const start = (channel * down + tile.y * scale + y) * across + tile.x * scale;
      cropped.set(pixels.subarray(start, start + width), (channel * height + y) * width);
    }
  }
  return cropped;
}

/** Adds a tile's pixels to the image's, each with its weight. */
function addPixels(
  image: Float32Array,
  pixels: Float32Array,
  { tile, scale, size }: { tile: CodecTile; scale: number; size: LatentSize },
): void {
  const [width, height] = [tile.width * scale, tile.height * scale];
  const [across, down] = [size.width * scale, size.height * scale];
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      const row = tile.rows[y] as number;
      const from = (channel * height + y) * width;
      const to = (channel * down + tile.y * scale + y) * across + tile.x * scale;
      for (let x = 0; x < width; x++) {
        const weight = row * (tile.columns[x] as number);
        image[to + x] = (image[to + x] as number) + weight * (pixels[from + x] as number);
      }
    }
  }
}
