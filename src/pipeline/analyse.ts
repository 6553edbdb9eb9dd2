/**
 * The first half of the story: an image and its prompt become two maps, where it looks bad and where it misses the prompt.
 */

import type { Calibration } from '../calibration/calibration.ts';
import { abortError, UserError } from '../errors.ts';
import { clipPixelValues } from '../image/clipPreprocessing.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { RowSource } from '../image/rowSource.ts';
import { difference } from '../math/vectors.ts';
import type { Phrase, PromptReader, PromptReading } from '../prompt/phrase.ts';
import { plainPrompt } from '../prompt/promptSyntax.ts';
import { alignmentMap } from '../quality/alignmentMap.ts';
import {
  type AlignmentCalibration,
  type AlignmentEvidence,
  alignmentEvidence,
  calibrateOnReference,
  type PresenceCalibration,
  patchSimilarity,
} from '../quality/alignmentScore.ts';
import { type AttributeCalibration, rivalPhrases } from '../quality/attributeScore.ts';
import type { LearnedContexts } from '../quality/learnedPrompts.ts';
import { type PerceptualBounds, perceptualMap } from '../quality/perceptualMap.ts';
import type { AlignmentResult } from '../quality/qualityResults.ts';
import type { AnalysisEvent, AnalysisResult, AnalysisSettings, AnalysisStage } from './analysis.ts';
import type { ClipEncoder, ClipImageFeatures } from './ports.ts';
import { encodeTexts, qualityWords, type ReferenceFeatures, referenceFeatures } from './wordFeatures.ts';

/**
 * Side in pixels an image is encoded at, where the model has it: 28 x 28 patches of 16 px. Twice the 14 x 14 of CLIP's
 * own 224 px, so that a map can point at a hand and not only at a person; it costs some five times the time.
 */
export const defaultImageSize = 448;

/** Settings of an analysis unless the user changes them. Thresholds lie at 0.5, where calibrated scores change sides. */
export const defaultAnalysisSettings: AnalysisSettings = {
  imageSize: null,
  perceptualMode: 'auto',
  nounThreshold: 0.5,
  phraseThreshold: 0.5,
  alignmentBound: 0.5,
  maskThreshold: 0.5,
};

/** Most phrases looked for: a prompt beyond it is a list of tags whose tail hardly shapes the image. */
export const largestPhraseCount = 64;

/** Constants that belong to one CLIP: fitted on images of its world, not on the image at hand. */
export interface PackCalibration {
  /** For whole phrases: whether their attributes are right. */
  readonly phrases: AlignmentCalibration;
  /** For bare nouns: whether they are there. */
  readonly nouns: AlignmentCalibration;
  /** For whole prompts: whether they describe the image. */
  readonly prompts?: AlignmentCalibration;
  /** For both together: whether the noun of a phrase is there. */
  readonly presence?: PresenceCalibration;
  /** For phrases held against their rivals: whether their attributes are right. */
  readonly attributes?: AttributeCalibration;
  /** B_k of eq. 3 with this CLIP's learned contexts. */
  readonly perceptualBounds: PerceptualBounds;
}

/** What an analysis needs. */
export interface AnalysisJob {
  /** The image, in memory or read in bands. */
  readonly image: RgbaImage | RowSource;
  readonly prompt: string;
  readonly clip: ClipEncoder;
  /** The published contexts, where the pack has them. */
  readonly contexts: LearnedContexts | null;
  /** The calibration that the settings name, for their mode `calibrated`; null: it is gone, or of another CLIP. */
  readonly calibrated?: Calibration | null;
  readonly settings?: AnalysisSettings;
  /** How evidence becomes a probability; by default measured on the image itself (`calibrateOnReference`). */
  readonly calibration?: AlignmentCalibration;
  /** Constants fitted for this CLIP, where its pack has them; `calibration` and what `calibrated` sets go before them. */
  readonly packCalibration?: PackCalibration | null;
  /** Reads the prompt (`promptReader` of `prompt/promptReader.ts`); null where the parser could not be loaded: no alignment then. */
  readonly readPrompt: PromptReader | null;
  /** Told every stage, and every result as soon as it is ready. */
  readonly onEvent?: (event: AnalysisEvent) => void;
  /** Looked at between all steps. */
  readonly signal?: { readonly aborted: boolean };
}

/**
 * Analyses one image.
 *
 * @throws AbortError once `signal.aborted` is set; UserError if the model gives no usable numbers; whatever the encoder throws
 */
export async function analyse(job: AnalysisJob): Promise<AnalysisResult> {
  const { image, prompt, clip, settings = defaultAnalysisSettings } = job;
  const hints: string[] = [];
  const step = progress(job);

  const imageSize = chooseImageSize(clip, settings.imageSize, hints);
  const features = await imageFeatures(job, { imageSize, step });

  const words = await qualityWords(clip, {
    contexts: job.contexts,
    mode: settings.perceptualMode,
    calibrated: job.calibrated ?? null,
    beforeRun: (done, total) => step('encodeWords', done, total),
  });
  step('encodeWords', 1, 1);
  if (words.hint) hints.push(words.hint);
  const bounds = words.bounds ?? (words.mode === 'learned' ? job.packCalibration?.perceptualBounds : undefined);
  const perceptual = perceptualMap(features, words.features, {
    mode: words.mode,
    logitScale: clip.logitScale,
    ...(bounds && { bounds }),
  });
  job.onEvent?.({ type: 'perceptual', result: perceptual });

  const reading = job.readPrompt ? job.readPrompt(prompt) : null;
  const phrases = usablePhrases(reading, { prompt, hints });
  const measured = phrases && (await align(job, { features, phrases, settings, step }));
  const alignment = measured && reading ? { ...measured, sentences: reading.sentences } : null;
  if (alignment) job.onEvent?.({ type: 'alignment', result: alignment });
  step('encodePhrases', 1, 1);

  return {
    modelName: clip.modelName,
    imageWidth: image.width,
    imageHeight: image.height,
    prompt,
    perceptual,
    alignment,
    hints,
    settings,
  };
}

/** Told before every piece of work; throws to stop. */
export type Step = (stage: AnalysisStage, done: number, total: number) => void;

/** Tells a stage, unless the job was cancelled. */
function progress({ signal, onEvent }: AnalysisJob): Step {
  return (stage, done, total) => {
    if (signal?.aborted) throw abortError();
    onEvent?.({ type: 'stage', stage, done, total });
  };
}

/** The last features of each image still in use: another prompt or threshold needs no second run of the image encoder. */
const knownFeatures = new WeakMap<object, { clip: ClipEncoder; imageSize: number; features: ClipImageFeatures }>();

/** Features of an image at one size; the last of each image still in use are remembered. */
export async function imageFeatures(
  { image, clip }: Pick<AnalysisJob, 'image' | 'clip'>,
  { imageSize, step }: { readonly imageSize: number; readonly step: Step },
): Promise<ClipImageFeatures> {
  const known = knownFeatures.get(image);
  if (known?.clip === clip && known.imageSize === imageSize) return known.features;
  step('preprocess', 0, 1);
  const pixelValues = clipPixelValues(image, { imageSize, mean: clip.imageMean, std: clip.imageStd });
  step('encodeImage', 0, 1);
  const features = await clip.encodeImage(pixelValues, imageSize);
  assertUsable(features, clip);
  knownFeatures.set(image, { clip, imageSize, features });
  step('encodeImage', 1, 1);
  return features;
}

/** The size asked for, else the finest not above {@link defaultImageSize}, else the smallest there is. */
export function chooseImageSize(
  { imageSizes, modelName }: ClipEncoder,
  wanted: number | null,
  hints: string[],
): number {
  if (wanted !== null && imageSizes.includes(wanted)) return wanted;
  const chosen = imageSizes.filter((size) => size <= defaultImageSize).at(-1) ?? imageSizes[0];
  if (chosen === undefined) throw new RangeError(`${modelName} has no image size`);
  if (wanted !== null) hints.push(`${modelName} was not compiled for ${wanted} px; ${chosen} px is used instead.`);
  return chosen;
}

/** A driver's overflow must not become a map: half precision can turn to NaN. */
export function assertUsable(
  { cls, patchFeatures, gridWidth, gridHeight }: ClipImageFeatures,
  clip: ClipEncoder,
): void {
  if (cls.length !== clip.dim || patchFeatures.length !== gridWidth * gridHeight * clip.dim) {
    throw new RangeError(`${patchFeatures.length} values are no ${gridWidth}x${gridHeight} features of ${clip.dim}`);
  }
  if (!cls.every(Number.isFinite) || !patchFeatures.every(Number.isFinite)) {
    throw new UserError(
      'TierUnavailableError',
      `${clip.modelName} gave values that are not numbers on this device; choose another tier or precision`,
    );
  }
}

/** The phrases to look for; null, and a hint why, where there is none. */
function usablePhrases(
  reading: PromptReading | null,
  { prompt, hints }: { readonly prompt: string; readonly hints: string[] },
): readonly Phrase[] | null {
  if (reading === null) {
    hints.push('The prompt cannot be read: the parser could not be loaded. Reload the page to measure the match.');
    return null;
  }
  const { phrases } = reading;
  if (reading.hint) hints.push(reading.hint);
  if (!phrases.some(({ scope }) => scope === 'place')) {
    hints.push(
      prompt.trim() === ''
        ? 'Without a prompt only the perceptual map can be made; enter the prompt to see what the image misses.'
        : 'The prompt names nothing that could be looked for in the image, so there is no alignment map.',
    );
    return null;
  }
  if (phrases.length > largestPhraseCount) {
    hints.push(`The prompt has ${phrases.length} phrases; the first ${largestPhraseCount} are looked for.`);
  }
  // Ancestors come before their phrases, so that a cut leaves none without.
  return phrases.slice(0, largestPhraseCount);
}

/** AQ-Map of the phrases. */
async function align(
  { clip, prompt, calibration: given, packCalibration, calibrated }: AnalysisJob,
  {
    features,
    phrases,
    settings,
    step,
  }: {
    readonly features: ClipImageFeatures;
    readonly phrases: readonly Phrase[];
    readonly settings: AnalysisSettings;
    readonly step: Step;
  },
): Promise<AlignmentResult> {
  const taught = settings.perceptualMode === 'calibrated' ? calibrated?.alignment : null;
  const fitted = given || taught ? null : packCalibration;
  const { presence, attributes } = fitted ?? {};
  const rivals = phrases.map((phrase) =>
    attributes && phrase.scope === 'place' ? rivalPhrases(phrase, attributes.rivals).map(({ text }) => text) : [],
  );
  const texts = [
    ...new Set([plainPrompt(prompt), ...phrases.flatMap(({ text, noun }) => [text, noun.text]), ...rivals.flat()]),
  ];
  // The reference texts are encoded by the first job only; then they count as work of this stage.
  let before = 0;
  const reference = await referenceFeatures(clip, {
    beforeRun: (done, total) => {
      before = total;
      step('encodePhrases', done, total + texts.length);
    },
  });
  const rows = await encodeTexts(clip, texts, {
    beforeRun: (done, total) => step('encodePhrases', before + done, before + total),
  });
  const index = new Map(texts.map((text, i) => [text, i]));
  const gather = (wanted: readonly string[]) => {
    const gathered = new Float32Array(wanted.length * clip.dim);
    wanted.forEach((text, i) => {
      const from = (index.get(text) as number) * clip.dim;
      gathered.set(rows.subarray(from, from + clip.dim), i * clip.dim);
    });
    return gathered;
  };
  const onImage = () =>
    calibrateOnReference(referenceEvidence(features, reference), {
      logitScale: clip.logitScale,
      ...(taught && { thresholds: taught }),
    });
  const calibration = given ?? fitted?.phrases ?? onImage();
  return alignmentMap(features, {
    phrases,
    texts: {
      phrases: gather(phrases.map(({ text }) => text)),
      nouns: gather(phrases.map(({ noun }) => noun.text)),
      prompt: gather([plainPrompt(prompt)]),
      empty: reference.empty,
      rivals: rivals.map((one) => one.map((text) => ({ text, feature: gather([text]) }))),
    },
    logitScale: clip.logitScale,
    calibration,
    nounCalibration: fitted?.nouns ?? calibration,
    promptCalibration: fitted?.prompts ?? calibration,
    ...(presence && { presence }),
    ...(attributes && { attributes }),
    nounThreshold: settings.nounThreshold,
    phraseThreshold: settings.phraseThreshold,
    alignmentBound: settings.alignmentBound,
  });
}

/** What an image says for each of the reference texts. */
export function referenceEvidence(features: ClipImageFeatures, reference: ReferenceFeatures): AlignmentEvidence[] {
  return reference.texts.map((text) => textEvidence(features, text, reference));
}

/** What an image says for a text, rather than for the empty one (G-Refine eq. 5). */
export function textEvidence(
  features: ClipImageFeatures,
  text: Float32Array,
  { empty }: Pick<ReferenceFeatures, 'empty'>,
): AlignmentEvidence {
  const direction = difference(text, empty);
  return alignmentEvidence(features, direction, { similarity: patchSimilarity(features, direction) });
}
