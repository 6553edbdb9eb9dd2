import type { RgbaImage } from '../../src/image/rgbaImage.ts';
import type { MeasureValues } from '../../src/measures/measures.ts';
import { imageMeasures } from '../../src/pipeline/imageMeasures.ts';
import { measureImage } from '../../src/pipeline/measureImage.ts';
import { runStrategy } from '../../src/pipeline/strategies.ts';
import type { StrategyId } from '../../src/pipeline/strategy.ts';
import { overallQuality } from '../../src/refine/balanceGate.ts';
import { toyRefineSettings } from '../../src/refine/refineSettings.ts';
import { repairRegions } from '../../src/refine/repairMask.ts';
import { type Case, isDamage, SIDE } from './cases.ts';
import type { Judge } from './judge.ts';
import type { EvaluatedModels } from './models.ts';
import { psnr } from './truth.ts';

/** What became of one case, as kept between runs. */
export interface RefineMeasured {
  readonly kind: Case['kind'];
  readonly fault: string;
  readonly outcome: 'refined' | 'nothingToRepair' | 'rejected';
  /** Whether the judge sees what was asked for; null where nothing was missing. */
  readonly askedBefore: boolean | null;
  readonly askedAfter: boolean | null;
  /** How many of the other solids the judge sees. */
  readonly othersBefore: number;
  readonly othersAfter: number;
  /** Towards the right picture, in dB, in the damage and as a whole; null: nothing is damaged. */
  readonly psnrBefore: number | null;
  readonly psnrAfter: number | null;
  /** How differently from the right picture the damage looks, after `Judge.distance`. */
  readonly looksBefore: number | null;
  readonly looksAfter: number | null;
  readonly wholeBefore: number;
  readonly wholeAfter: number;
  readonly isIdentical: boolean;
  /** Pixels that changed outside of the mask, edge included. */
  readonly changedOutside: number;
  /** Q_P · Q_A. */
  readonly qualityBefore: number;
  readonly qualityAfter: number;
  /** What the app's own measures say of the picture and of the result. */
  readonly measuresBefore: MeasureValues;
  readonly measuresAfter: MeasureValues;
  /** Seconds. */
  readonly took: number;
}

/** Seed of all refinements. */
const SEED = 1;

/** Refines a case with a strategy, as the app does, and compares with what is known of it. */
export async function measureRefine(
  strategy: StrategyId,
  { kind, fault, prompt, picture, right, mask, solids, asked }: Case,
  { models: { packs, readPrompt }, judge }: { readonly models: EvaluatedModels; readonly judge: Judge },
): Promise<RefineMeasured> {
  const { maps, inpainting, restoration } = packs;
  if (!maps) throw new TypeError('There is no CLIP');
  const start = performance.now();
  const settings = toyRefineSettings;
  const { outcome, before, after, image } = await runStrategy(strategy, {
    image: picture,
    prompt,
    clip: maps.clip,
    contexts: maps.contexts,
    packCalibration: maps.calibration,
    readPrompt,
    inpainting,
    restoration,
    settings,
    seed: SEED,
  });
  const took = (performance.now() - start) / 1000;
  const result = image ?? picture;
  const [seenBefore, seenAfter] = [await judge.look(picture), await judge.look(result)];
  const others = solids.filter(({ shape, colour }) => shape !== asked?.shape || colour !== asked.colour);
  // Of a wrongly described solid only the asked-for one is to be seen afterwards.
  const kept = kind === 'attribute' ? others.filter(({ shape }) => shape !== asked?.shape) : others;
  const count = (seen: typeof seenBefore) => kept.filter(({ shape, colour }) => seen(shape, colour)).length;
  const { clip } = maps;
  const measure = (image: RgbaImage, input: RgbaImage | null) =>
    measureImage({ image, prompt, clip, imageSize: null, input });
  const measuresBefore = imageMeasures(before, await measure(picture, null)).values;
  const measuresAfter = imageMeasures(after, await measure(result, picture)).values;
  return {
    kind,
    fault,
    outcome,
    askedBefore: asked && seenBefore(asked.shape, asked.colour),
    askedAfter: asked && seenAfter(asked.shape, asked.colour),
    othersBefore: count(seenBefore),
    othersAfter: count(seenAfter),
    psnrBefore: isDamage(kind) ? psnr(picture, right, mask) : null,
    psnrAfter: isDamage(kind) ? psnr(result, right, mask) : null,
    looksBefore: isDamage(kind) ? await judge.distance(picture, right, mask) : null,
    looksAfter: isDamage(kind) ? await judge.distance(result, right, mask) : null,
    wholeBefore: psnr(picture, right),
    wholeAfter: psnr(result, right),
    isIdentical: !image || samePixels(image, picture),
    changedOutside: changedOutside(result, {
      picture,
      regions: repairRegions(before, settings),
    }),
    qualityBefore: overallQuality(before),
    qualityAfter: overallQuality(after),
    measuresBefore,
    measuresAfter,
    took,
  };
}

function samePixels({ data: a }: RgbaImage, { data: b }: RgbaImage): boolean {
  return a.every((value, i) => value === b[i]);
}

function changedOutside(
  { data }: RgbaImage,
  { picture, regions }: { readonly picture: RgbaImage; readonly regions: ReturnType<typeof repairRegions> },
): number {
  const isInside = new Uint8Array(SIDE * SIDE);
  for (const { mask } of regions) {
    const { part, values } = mask;
    values.forEach((value, i) => {
      if (value > 0) isInside[(part.y + Math.floor(i / part.width)) * SIDE + part.x + (i % part.width)] = 1;
    });
  }
  let changed = 0;
  isInside.forEach((inside, i) => {
    if (!inside && [0, 1, 2].some((c) => data[4 * i + c] !== picture.data[4 * i + c])) changed++;
  });
  return changed;
}
