/** What both stages of the refiner are given by the job, and what they tell it. */
import { latentPreview } from '../diffusion/latentPreview.ts';
import { cropImage } from '../image/cropImage.ts';
import type { DiffusionModel, LatentSize } from '../pipeline/diffusionPorts.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';

/** How a stage talks to the job it belongs to. */
export interface StageReport {
  /** Steps done and to do in this stage. */
  readonly onStep: (done: number, total: number) => void;
  /** A rough picture of what a part of the image is becoming: RGBA, alpha 255. */
  readonly onPreview: (preview: {
    readonly place: PixelRectangle;
    readonly width: number;
    readonly height: number;
    readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  }) => void;
  /** A sentence for the user: what fell back and why. */
  readonly onNotice: (text: string) => void;
  /** Looked at between all steps. */
  readonly signal: { readonly aborted: boolean };
  /** Awaited between pieces of long work on the CPU, so that a cancel can arrive. */
  readonly pause: () => Promise<void>;
}

/**
 * Shows latents as a rough picture.
 *
 * @param latents x0 so far, `[1, channels, size.height, size.width]`
 * @param options.shown the part of them, top left, that shows `place`; the rest is padding
 */
export function showLatents(
  latents: Float32Array,
  {
    model,
    size,
    shown,
    place,
    report,
  }: {
    readonly model: DiffusionModel;
    readonly size: LatentSize;
    readonly shown: LatentSize;
    readonly place: PixelRectangle;
    readonly report: StageReport;
  },
): void {
  const rgba = latentPreview(latents, { size, latentRgb: model.latentRgb });
  const cut = cropImage({ ...size, data: rgba }, { x: 0, y: 0, ...shown });
  report.onPreview({ place, width: cut.width, height: cut.height, rgba: cut.data as Uint8ClampedArray<ArrayBuffer> });
}
