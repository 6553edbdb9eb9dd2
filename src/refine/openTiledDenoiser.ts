import { tiledDenoiser } from '../diffusion/tiledDenoiser.ts';
import type { Denoiser, DenoisingOptions, DeviceTensor, DiffusionModel } from '../pipeline/diffusionPorts.ts';

/**
 * Opens a model for latents larger than it takes at once: one denoiser of a tile's size, given each tile's part of the
 * conditions before it predicts (PASD's tiled latents).
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
  const { size } = denoising;
  if (Math.max(size.width, size.height) <= tile) return model.openDenoiser(denoising);
  const { device, latentChannels } = model;
  const tileSize = { width: Math.min(tile, size.width), height: Math.min(tile, size.height) };
  const parts: ConditionPart[] = [];
  try {
    const tileDenoiser = await model.openDenoiser({
      ...denoising,
      ...tileConditions(model, { denoising, tileSize, parts }),
      size: tileSize,
    });
    const whole = tiledDenoiser({
      device,
      size,
      tile,
      overlap: Math.min(overlap, tile - 1),
      tileDenoiser,
      channels: latentChannels,
      prepareTile: ({ x, y }) => {
        for (const { from, part, scale } of parts) {
          device.copyWindow(from, part, {
            from: { x: x * scale, y: y * scale },
            to: { x: 0, y: 0 },
            width: tileSize.width * scale,
            height: tileSize.height * scale,
          });
        }
      },
      signal,
    });
    return {
      predict: whole.predict,
      dispose: () => {
        whole.dispose();
        tileDenoiser.dispose();
        for (const { part } of parts) part.dispose();
      },
    };
  } catch (error) {
    for (const { part } of parts) part.dispose();
    throw error;
  }
}

/** A tensor of the whole, and the one that a tile's part of it is copied into. */
interface ConditionPart {
  readonly from: DeviceTensor;
  readonly part: DeviceTensor;
  /** Its pixels per latent. */
  readonly scale: number;
}

/** What a tile is conditioned on; each tensor made for it is noted in `parts`. */
function tileConditions(
  { device, downscale, latentChannels }: DiffusionModel,
  {
    denoising: { control, inpaint },
    tileSize,
    parts,
  }: {
    readonly denoising: DenoisingOptions;
    readonly tileSize: { readonly width: number; readonly height: number };
    readonly parts: ConditionPart[];
  },
): Pick<DenoisingOptions, 'control' | 'inpaint'> {
  const partOf = (from: DeviceTensor, { channels, scale }: { readonly channels: number; readonly scale: number }) => {
    const part = device.create([1, channels, tileSize.height * scale, tileSize.width * scale]);
    parts.push({ from, part, scale });
    return part;
  };
  return {
    ...(control && {
      control: { image: partOf(control.image, { channels: 3, scale: downscale }), scale: control.scale },
    }),
    ...(inpaint && {
      inpaint: {
        mask: partOf(inpaint.mask, { channels: 1, scale: 1 }),
        maskedLatents: partOf(inpaint.maskedLatents, { channels: latentChannels, scale: 1 }),
      },
    }),
  };
}
