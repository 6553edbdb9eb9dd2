/**
 * Stage 1: every bad region repainted, crop by crop, and blended into the image (spec "Balanced refiner").
 */
import { seededNoise } from '../diffusion/seededNoise.ts';
import { UserError } from '../errors.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { DiffusionModel } from '../pipeline/diffusionPorts.ts';
import { blendRegion } from './blendRegion.ts';
import { changedPart } from './changedPart.ts';
import { isUserError } from './denoiseImage.ts';
import { type InpaintJob, inpaintRegion } from './inpaintRegion.ts';
import type { RefineSettings } from './refineSettings.ts';
import { type StageReport, showLatents } from './refineStage.ts';
import { type RegionCrop, regionCrops, resizedCrop } from './regionCrops.ts';
import { type DefectGrid, type RegionFault, type RepairRegion, regionQuality } from './repairMask.ts';
import type { StagePrompts } from './stagePrompts.ts';

/** Pixels a UNet's sides are multiples of, in latents: it halves them three times. */
const unetStep = 8;

/** Shares of the native size tried one after the other when memory is short. */
const smallerSizes = [1, 0.75, 0.5];

/** Noise of so many regions lies between that of two attempts. */
const regionsOfAttempt = 2 ** 16;

/** A region scaled down for the model by more than this comes back visibly less sharp: the user is told. */
const visibleReduction = 1.5;

/** What {@link repaintRegions} needs besides the image. */
export interface RepaintJob {
  readonly model: DiffusionModel;
  readonly prompts: StagePrompts;
  readonly settings: RefineSettings['stage1'];
  readonly regions: readonly RepairRegion[];
  /** D of the image: decides how strongly each region is repainted. */
  readonly defect: DefectGrid;
  /** What a region is to show; default: what the prompts say already. */
  readonly textOf?: (region: RepairRegion) => string;
  readonly seed: number;
  /** How often before this these regions were painted, with other noise of the same seed; default 0. Below 2^16. */
  readonly attempt?: number;
  /** What a crop's sampling starts from; see {@link InpaintJob}. Default: its pixels. */
  readonly startOf?: InpaintJob['startOf'];
  readonly report: StageReport;
}

/** What {@link repaintRegions} made. */
export interface Repainted {
  /** New pixels under the masks of the parts; every other byte is the image's. */
  readonly image: RgbaImage;
  /** By region, where in it pixels are new: of what was missing, the thing that was painted without the ground around it. */
  readonly parts: ReadonlyMap<RepairRegion, RepairRegion>;
}

/**
 * Repaints the regions.
 *
 * @param image not changed
 * @throws AbortError; UserError, see `denoiseImage`; `OutOfMemoryError` if even the smallest size was too large
 */
export async function repaintRegions(image: RgbaImage, job: RepaintJob): Promise<Repainted> {
  const { model, settings, report } = job;
  const { nativeSize } = model;
  const granularity = Math.min(model.downscale * unetStep, nativeSize);
  const crops = groups(job).flatMap(({ regions: of, ...group }) =>
    regionCrops(of, { image, nativeSize, granularity, context: settings.context }).map((crop) => ({
      ...crop,
      ...group,
    })),
  );
  const repainted: RgbaImage = { ...image, data: image.data.slice() };
  const parts = new Map<RepairRegion, RepairRegion>();
  const total = crops.length * settings.steps;
  const largest = Math.max(...crops.map(({ window }) => Math.max(window.width, window.height)));
  if (largest > visibleReduction * nativeSize) {
    report.onNotice(
      `A bad region with its surroundings is ${largest} px large; the model repaints it at ${nativeSize} px, so it may come out less sharp.`,
    );
  }
  const restarts = { count: 0 };
  let size = 0;
  for (const [i, crop] of crops.entries()) {
    if (crop.text !== null) job.prompts.say(crop.text);
    for (;;) {
      const side = nativeSize * (smallerSizes[size] as number);
      try {
        const patch = await repaintCrop(repainted, {
          ...job,
          crop: resizedCrop(crop, { nativeSize: side, granularity }),
          fault: crop.fault,
          index: i,
          restarts,
          onStep: (done) => report.onStep(i * settings.steps + done, total),
        });
        const { window } = crop;
        const change = { image: repainted, patch, window };
        const painted = crop.regions.map((region) =>
          crop.fault === 'mismatch' ? changedPart(region, change) : region,
        );
        painted.forEach((region, k) => {
          parts.set(crop.regions[k] as RepairRegion, region);
          blendRegion(repainted, { region, patch, window });
        });
        break;
      } catch (error) {
        if (!isUserError(error, 'OutOfMemoryError')) throw error;
        size++;
        const smaller = smallerSizes[size];
        if (smaller === undefined) {
          throw new UserError(
            'OutOfMemoryError',
            `There is not enough memory to repaint even at ${side} px; the image was left as it is. ${error.message}`,
            { cause: error },
          );
        }
        report.onNotice(
          `There was not enough memory to repaint at ${side} px; going on at ${nativeSize * smaller} px.`,
        );
      }
    }
    await report.pause();
  }
  return { image: repainted, parts };
}

interface Group {
  readonly text: string | null;
  readonly fault: RegionFault;
  readonly regions: RepairRegion[];
}

/** The regions by what they are to show and what is wrong with them: those painted differently share no crop. */
function groups({ regions, textOf }: RepaintJob): readonly Group[] {
  const found = new Map<string, Group>();
  for (const region of regions) {
    const text = textOf?.(region) ?? null;
    const { fault } = region;
    const key = `${fault} ${text}`;
    const group = found.get(key);
    if (group) group.regions.push(region);
    else found.set(key, { text, fault, regions: [region] });
  }
  return [...found.values()];
}

function repaintCrop(
  image: RgbaImage,
  {
    model,
    prompts,
    settings,
    defect,
    fault,
    seed,
    attempt = 0,
    startOf,
    report,
    crop,
    index,
    restarts,
    onStep,
  }: RepaintJob & {
    readonly crop: RegionCrop;
    readonly fault: RegionFault;
    readonly index: number;
    readonly restarts: { count: number };
    readonly onStep: (done: number) => void;
  },
): Promise<RgbaImage> {
  const { downscale } = model;
  const latents = ({ width, height }: { readonly width: number; readonly height: number }) => ({
    width: Math.ceil(width / downscale),
    height: Math.ceil(height / downscale),
  });
  return inpaintRegion(image, {
    model,
    prompts,
    settings,
    crop,
    quality: regionQuality(crop.regions, defect),
    fault,
    index,
    ...(startOf && { startOf }),
    noise: (step, length) =>
      seededNoise({
        seed,
        purpose: step < 0 ? 'start' : 'step',
        step: Math.max(step, 0),
        region: attempt * regionsOfAttempt + index,
        length,
      }),
    onStep,
    onPreview: ({ denoised }) => {
      const shown = latents(crop.content);
      showLatents(denoised, { model, size: latents(crop.working), shown, place: crop.window, report });
    },
    onNotice: report.onNotice,
    signal: report.signal,
    restarts,
  });
}
