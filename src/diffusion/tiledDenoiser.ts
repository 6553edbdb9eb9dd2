import { abortError } from '../errors.ts';
import type { Denoiser, DeviceTensor, TensorDevice } from '../pipeline/diffusionPorts.ts';
import { type LatentTile, latentTiles, type TileOptions } from './latentTiles.ts';

export interface TiledDenoiserOptions extends TileOptions {
  readonly device: TensorDevice;
  /** Ready for latents of one tile's size ({@link latentTiles}). Stays the caller's. */
  readonly tileDenoiser: Denoiser;
  /** 4 */
  readonly channels: number;
  /**
   * Called before each tile: the place to copy the tile's part of what the denoiser is conditioned on (a control image, a
   * mask) into the tensors it was opened with.
   */
  readonly prepareTile?: (tile: LatentTile) => void;
  /** Looked at before every tile. */
  readonly signal?: { readonly aborted: boolean };
}

/** A prediction of the whole, put together from tiles. */
type Prediction = Awaited<ReturnType<Denoiser['predict']>>;

/**
 * A denoiser of latents of any size, made of one of tiles that overlap and are blended with Gaussian weights (PASD's tiled
 * latents). Peak memory is one tile's run of the model, whatever the size. Normalised weights make the blend a weighted sum
 * that stays on the device.
 *
 * @throws RangeError as {@link latentTiles}
 */
export function tiledDenoiser(options: TiledDenoiserOptions): Denoiser {
  const { device, size, channels, tileDenoiser, prepareTile, signal } = options;
  const tiles = latentTiles(options);
  const weights = tiles.map((tile) => device.create([tile.height, tile.width], tile.weights));
  const [{ width, height }] = tiles as [LatentTile];
  const input = device.create([1, channels, height, width]);
  const whole = () => device.create([1, channels, size.height, size.width]);
  const zeros = whole();
  const conditional = whole();
  let unconditional: DeviceTensor | null = null;

  /** Adds a tile's prediction to the whole's. */
  function blend(prediction: DeviceTensor, target: DeviceTensor, index: number): void {
    const { x, y } = tiles[index] as LatentTile;
    const window = { from: { x: 0, y: 0 }, to: { x, y }, width, height, add: true };
    device.copyWindow(prediction, target, { ...window, weights: weights[index] as DeviceTensor });
  }

  return {
    async predict(sample, timestep): Promise<Prediction> {
      // Not multiplied by 0, which would leave a NaN where it is.
      for (const target of [conditional, unconditional]) {
        if (target) device.combine(target, [{ source: zeros, factor: 1 }]);
      }
      let guided = false;
      for (const [index, tile] of tiles.entries()) {
        if (signal?.aborted) throw abortError();
        prepareTile?.(tile);
        device.copyWindow(sample, input, { from: tile, to: { x: 0, y: 0 }, width, height });
        const predicted = await tileDenoiser.predict(input, timestep);
        blend(predicted.conditional, conditional, index);
        if (!predicted.unconditional) continue;
        guided = true;
        unconditional ??= whole();
        blend(predicted.unconditional, unconditional, index);
      }
      return { conditional, unconditional: guided ? unconditional : null };
    },
    dispose() {
      for (const tensor of [...weights, input, zeros, conditional]) tensor.dispose();
      unconditional?.dispose();
    },
  };
}
