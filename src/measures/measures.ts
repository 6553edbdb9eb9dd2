/**
 * The measures of an image: what each is called, which way is better, what it needs, and what a change of one means. Only
 * facts and arithmetic: they are computed elsewhere (`pipeline/measureImage.ts`; NIQE, BRISQUE, SSIM, PSNR beside this file).
 */

/** All measures, in the order tables show them. */
export const measureIds = [
  'quality',
  'overall',
  'technical',
  'rationality',
  'naturalness',
  'match',
  'clipIqa',
  'clipScore',
  'niqe',
  'brisque',
  'ssim',
  'psnr',
] as const;

export type MeasureId = (typeof measureIds)[number];

/** What a measure cannot be computed without. */
export interface MeasureNeeds {
  /** A pack of maps: its CLIP. */
  readonly clip: boolean;
  /** A prompt that names something. */
  readonly prompt: boolean;
  /** The image before refining: it measures how far two images are apart, not how good one is. */
  readonly input: boolean;
}

/** What is known of a measure beforehand. */
export interface Measure {
  readonly id: MeasureId;
  /** As shown. */
  readonly name: string;
  /** One plain sentence: what it says. */
  readonly note: string;
  readonly higherIsBetter: boolean;
  readonly needs: MeasureNeeds;
  /** Width of the range that ordinary images fill, in the measure's unit: what counts as a small change follows from it. */
  readonly span: number;
  /** Written after a number; empty: none. */
  readonly unit: '' | ' dB';
  /** Shown times this: 100 for scores the app shows "of 100". */
  readonly shownTimes: 1 | 100;
  readonly decimals: number;
}

/** All measures of one image; null: what it needs is missing, or the image is too small for it. */
export type MeasureValues = Readonly<Record<MeasureId, number | null>>;

/** How well one phrase of the prompt was found. */
export interface PhraseMeasure {
  readonly text: string;
  /** Offset of its first character in the prompt; null where it has none: with the text, it tells equal phrases apart. */
  readonly start: number | null;
  /** 0..1, higher is better. */
  readonly score: number;
}

/** Everything that is measured of one image: plain data that crosses a worker boundary and survives JSON. */
export interface ImageMeasures {
  readonly values: MeasureValues;
  /** In the prompt's order; empty without a prompt. */
  readonly phrases: readonly PhraseMeasure[];
}

/** A value before and after refining. */
export interface BeforeAfter {
  readonly before: number | null;
  readonly after: number | null;
}

/** What became of a measure. */
export interface MeasureChange {
  /** After minus before, in the measure's unit. */
  readonly difference: number;
  /** `same`: it moved by no more than {@link changeTolerance} of the measure's span. */
  readonly verdict: 'better' | 'worse' | 'same';
}

/**
 * The share of a measure's span that it may move without having changed [ours]: half a point of 100, less than a score moves when
 * a picture is saved once more as a good JPEG.
 */
export const changeTolerance = 0.005;

/** PSNR of equal images, in dB: in truth it is infinite, which neither JSON nor a table has a number for. */
export const largestPsnr = 100;

const CLIP: MeasureNeeds = { clip: true, prompt: false, input: false };
const CLIP_AND_PROMPT: MeasureNeeds = { clip: true, prompt: true, input: false };
const NOTHING: MeasureNeeds = { clip: false, prompt: false, input: false };
const INPUT: MeasureNeeds = { clip: false, prompt: false, input: true };

const ofHundred = { higherIsBetter: true, span: 1, unit: '', shownTimes: 100, decimals: 0 } as const;
const upToOne = { higherIsBetter: true, span: 1, unit: '', shownTimes: 1, decimals: 3 } as const;

/** Every measure by its id. */
export const measures: Readonly<Record<MeasureId, Measure>> = {
  quality: {
    id: 'quality',
    name: 'Quality',
    note: 'How good the picture looks, whatever it shows: the overall impression, lowered by every factor that is too low.',
    needs: CLIP,
    ...ofHundred,
  },
  overall: { id: 'overall', name: 'Overall', note: 'The overall impression.', needs: CLIP, ...ofHundred },
  technical: {
    id: 'technical',
    name: 'Technical',
    note: 'Sharp and clean, or blurred, noisy and full of artefacts.',
    needs: CLIP,
    ...ofHundred,
  },
  rationality: {
    id: 'rationality',
    name: 'Rationality',
    note: 'Whether what is shown could be so: limbs, objects, perspective.',
    needs: CLIP,
    ...ofHundred,
  },
  naturalness: {
    id: 'naturalness',
    name: 'Naturalness',
    note: 'Whether light, colours and surfaces look natural.',
    needs: CLIP,
    ...ofHundred,
  },
  match: {
    id: 'match',
    name: 'Match',
    note: 'How much of the prompt the picture shows.',
    needs: CLIP_AND_PROMPT,
    ...ofHundred,
  },
  clipIqa: {
    id: 'clipIqa',
    name: 'CLIP-IQA',
    note: 'Whether “Good photo.” describes the picture better than “Bad photo.”; seen without squeezing it into a square.',
    needs: CLIP,
    ...upToOne,
  },
  clipScore: {
    id: 'clipScore',
    name: 'CLIPScore',
    note: 'How close the picture as a whole is to the whole prompt, by the usual yardstick for generated images.',
    needs: CLIP_AND_PROMPT,
    ...upToOne,
  },
  niqe: {
    id: 'niqe',
    name: 'NIQE (fitted by this project)',
    note: 'How far the statistics of fine detail are from those of good photographs; lower is better.',
    higherIsBetter: false,
    needs: NOTHING,
    span: 10,
    unit: '',
    shownTimes: 1,
    decimals: 2,
  },
  brisque: {
    id: 'brisque',
    name: 'BRISQUE (fitted by this project)',
    note: 'How strongly the picture seems blurred, noisy or compressed, from 0 to about 100; lower is better.',
    higherIsBetter: false,
    needs: NOTHING,
    span: 100,
    unit: '',
    shownTimes: 1,
    decimals: 1,
  },
  ssim: {
    id: 'ssim',
    name: 'SSIM',
    note: 'How much of the structure of the picture before refining is still there: 1 is all of it. It says what changed, not whether that is good.',
    needs: INPUT,
    ...upToOne,
  },
  psnr: {
    id: 'psnr',
    name: 'PSNR',
    note: 'How close the pixels are to those before refining: from 40 dB the difference is hard to see. It says what changed, not whether that is good.',
    higherIsBetter: true,
    needs: INPUT,
    span: 50,
    unit: ' dB',
    shownTimes: 1,
    decimals: 1,
  },
};

/** Every value null: nothing measured yet. */
export const noMeasures: ImageMeasures = {
  values: Object.fromEntries(measureIds.map((id) => [id, null])) as Record<MeasureId, null>,
  phrases: [],
};

/**
 * What became of a measure; null where one of the values is missing, and for measures that need the input: those compare two
 * images, and have no value before.
 */
export function measureChange(id: MeasureId, { before, after }: BeforeAfter): MeasureChange | null {
  const { higherIsBetter, needs } = measures[id];
  if (before === null || after === null || needs.input) return null;
  const difference = after - before;
  if (Math.abs(difference) <= tolerance(id)) return { difference, verdict: 'same' };
  return { difference, verdict: difference > 0 === higherIsBetter ? 'better' : 'worse' };
}

/**
 * Negative optimisation (Q-Refine, G-Refine): refining left the image with a worse score than it came with, by more than
 * {@link changeTolerance} of the measure's span. False where a value is missing.
 */
export function isNegativeOptimisation(id: MeasureId, values: BeforeAfter): boolean {
  return measureChange(id, values)?.verdict === 'worse';
}

/** The value of a measure as text, e.g. `71`, `0.714`, `32.1 dB`; a dash where it is missing. */
export function formatMeasure(id: MeasureId, value: number | null): string {
  if (value === null) return '–';
  const { shownTimes, decimals, unit } = measures[id];
  return `${plainZero((value * shownTimes).toFixed(decimals))}${unit}`;
}

/** A difference with its sign, as {@link formatMeasure}: `+3`, `−0.21`, `0`. */
export function formatDifference(id: MeasureId, difference: number): string {
  const text = formatMeasure(id, Math.abs(difference));
  if (!/[1-9]/.test(text)) return text;
  return `${difference > 0 ? '+' : '−'}${text}`;
}

/** How far a measure may move and count as the same, in its unit. */
function tolerance(id: MeasureId): number {
  return changeTolerance * measures[id].span;
}

/** "-0.0" is a zero. */
function plainZero(text: string): string {
  return /[1-9]/.test(text) ? text.replace('-', '−') : text.replace('-', '');
}
