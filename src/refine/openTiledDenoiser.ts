import { tiledDenoiser } from '../diffusion/tiledDenoiser.ts';
import type { Denoiser, DenoisingOptions, DiffusionModel } from '../pipeline/diffusionPorts.ts';

/**
 * Opens a model for latents larger than it takes at once: one denoiser of a tile's size, given each tile's part of the
 * conditioning image before it predicts (PASD's tiled latents).
 *
 * @param options.tile side of a tile in latents; latents of at most that size a side are not tiled
 */
export async function openTiledDenoiser(
  model: DiffusionModel,
  {
    denoising,
    tile,
    overlap,
    signal,
  }: {
    readonly denoising: DenoisingOptions;
    readonly tile: number;
    readonly overlap: number;
    readonly signal: { readonly aborted: boolean };
  },
): Promise<Denoiser> {
  const { size, control } = denoising;
  if (Math.max(size.width, size.height) <= tile) return model.openDenoiser(denoising);
  const { device, downscale, latentChannels } = model;
  const tileSize = { width: Math.min(tile, size.width), height: Math.min(tile, size.height) };
  const window = { width: tileSize.width * downscale, height: tileSize.height * downscale };
  const part = control && device.create([1, 3, window.height, window.width]);
  try {
    const tileDenoiser = await model.openDenoiser({
      ...denoising,
      size: tileSize,
      ...(control && part && { control: { image: part, scale: control.scale } }),
    });
    const whole = tiledDenoiser({
      device,
      size,
      tile,
      overlap: Math.min(overlap, tile - 1),
      tileDenoiser,
      channels: latentChannels,
      prepareTile: ({ x, y }) => {
        if (!control || !part) return;
        device.copyWindow(control.image, part, {
          from: { x: x * downscale, y: y * downscale },
          to: { x: 0, y: 0 },
          ...window,
        });
      },
      signal,
    });
    return {
      predict: whole.predict,
      dispose: () => {
        whole.dispose();
        tileDenoiser.dispose();
        part?.dispose();
      },
    };
  } catch (error) {
    part?.dispose();
    throw error;
  }
}
