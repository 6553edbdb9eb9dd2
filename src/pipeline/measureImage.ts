/**
 * The measures of an image beyond its maps: what no analysis needs, and what takes time. Together with the analysis they are all that
 * `measures/measures.ts` lists.
 */
import { abortError } from '../errors.ts';
import { freeSizePixelValues } from '../image/clipPreprocessing.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { RowSource } from '../image/rowSource.ts';
import { softmax } from '../math/softmax.ts';
import { dot } from '../math/vectors.ts';
import { brisque } from '../measures/brisque.ts';
import { luminance } from '../measures/grayImage.ts';
import brisqueModel from '../measures/models/brisque.json' with { type: 'json' };
import niqeModel from '../measures/models/niqe.json' with { type: 'json' };
import { niqe } from '../measures/niqe.ts';
import { peakSignalToNoise } from '../measures/peakSignalToNoise.ts';
import { structuralSimilarity } from '../measures/structuralSimilarity.ts';
import { plainPrompt } from '../prompt/promptSyntax.ts';
import { chooseImageSize, imageFeatures } from './analyse.ts';
import type { ComputedMeasures } from './imageMeasures.ts';
import type { ClipEncoder } from './ports.ts';

/** Pixels an image is seen with by CLIP-IQA at most, in its own proportions: attention grows with their square [ours]. */
export const largestFreePixels = 512 ** 2;

/** The words of CLIP-IQA (arXiv 2207.12396), good and bad. */
export const clipIqaPair = ['Good photo.', 'Bad photo.'] as const;

/** CLIPScore's w (arXiv 2104.08718): it stretches the cosine to about 0..1. */
const CLIP_SCORE_WEIGHT = 2.5;

/** What measuring one image needs. */
export interface MeasureJob {
  readonly image: RgbaImage | RowSource;
  /** What the image is to show; blank: no CLIPScore. */
  readonly prompt: string;
  /** Null: no CLIP-IQA and no CLIPScore. */
  readonly clip: ClipEncoder | null;
  /** As in `AnalysisSettings`: the size the maps are made at; CLIPScore is measured at the same. */
  readonly imageSize: number | null;
  /** The image before refining; null: this is one. Of another size: nothing is compared. */
  readonly input: RgbaImage | RowSource | null;
  /** Looked at between measures. */
  readonly signal?: { readonly aborted: boolean };
  /** Awaited between measures, so that a cancel can arrive. */
  readonly pause?: () => Promise<void>;
}

/**
 * Measures one image; null where something a measure needs is missing, or the image is too small for it.
 *
 * @throws AbortError once `signal.aborted` is set; whatever the encoder throws
 */
export async function measureImage(job: MeasureJob): Promise<ComputedMeasures> {
  const { image, clip, prompt, input, signal } = job;
  const next = async () => {
    await job.pause?.();
    if (signal?.aborted) throw abortError();
  };
  await next();
  const gray = luminance(image);
  const natural = niqe(gray, niqeModel);
  await next();
  const distorted = brisque(gray, brisqueModel);
  await next();
  const comparable = input && input.width === image.width && input.height === image.height ? input : null;
  const ssim = comparable && structuralSimilarity(luminance(comparable), gray);
  const psnr = comparable && peakSignalToNoise(comparable, image);
  await next();
  const iqa = clip && (await clipIqa(clip, image));
  await next();
  const score = clip && plainPrompt(prompt).trim() !== '' ? await clipScore(clip, job) : null;
  return { clipIqa: iqa, clipScore: score, niqe: natural, brisque: distorted, ssim, psnr };
}

/**
 * CLIP-IQA (arXiv 2207.12396, eq. 3): softmax of the image's cosines with a good and a bad description, the image seen in its own
 * proportions and, up to {@link largestFreePixels}, at its own size, without position embeddings. Its authors use CLIP's ResNet-50; here it
 * is the CLIP of the maps, a vision transformer.
 * @returns null where the pack lacks what is needed
 */
async function clipIqa(clip: ClipEncoder, image: RgbaImage | RowSource): Promise<number | null> {
  const { unpositioned, logitScale, dim } = clip;
  if (!unpositioned) return null;
  const size = freeSize(image, unpositioned.patchSize);
  const pixels = freeSizePixelValues(image, { ...size, mean: clip.imageMean, std: clip.imageStd });
  const feature = await unpositioned.encode(pixels, { width: size.keptWidth, height: size.keptHeight });
  const words = await clip.encodeText(clipIqaPair);
  const logits = clipIqaPair.map((_, i) => logitScale * dot(feature, words, { rowB: i * dim, dim }));
  return softmax(logits)[0] ?? null;
}

/**
 * The size an image is scaled to, and what is kept of it at the left and top: whole patches, as a convolution over them would. Small images
 * keep their size, down to one patch.
 */
export function freeSize(
  { width, height }: { readonly width: number; readonly height: number },
  patchSize: number,
): { readonly width: number; readonly height: number; readonly keptWidth: number; readonly keptHeight: number } {
  const scale = Math.min(1, Math.sqrt(largestFreePixels / (width * height)));
  const scaled = (side: number) => Math.max(patchSize, Math.round(side * scale));
  const kept = (side: number) => scaled(side) - (scaled(side) % patchSize);
  return { width: scaled(width), height: scaled(height), keptWidth: kept(width), keptHeight: kept(height) };
}

/**
 * CLIPScore (arXiv 2104.08718, section 3): 2.5 · max(cos, 0) of image and prompt. The image is seen whole, as the maps see it, where the paper
 * crops the middle; the prompt without "A photo depicts", because it may ask for a painting [ours].
 */
async function clipScore(clip: ClipEncoder, { image, prompt, imageSize }: MeasureJob): Promise<number> {
  const size = chooseImageSize(clip, imageSize, []);
  const { cls } = await imageFeatures({ image, clip }, { imageSize: size, step: () => {} });
  const text = await clip.encodeText([plainPrompt(prompt)]);
  return CLIP_SCORE_WEIGHT * Math.max(dot(cls, text), 0);
}
