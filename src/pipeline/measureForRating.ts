/** What CLIP says of an image that people have rated: all that is learned from, and nothing that needs its pixels again. */
import type { PromptStanding } from '../calibration/alignmentLearning.ts';
import { abortError } from '../errors.ts';
import { clipPixelValues } from '../image/clipPreprocessing.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { RowSource } from '../image/rowSource.ts';
import type { PromptReader } from '../prompt/phrase.ts';
import { plainPrompt } from '../prompt/promptSyntax.ts';
import { referenceLevel, standing } from '../quality/alignmentScore.ts';
import { assertUsable, largestPhraseCount, referenceEvidence, textEvidence } from './analyse.ts';
import type { ClipEncoder } from './ports.ts';
import { encodeTexts, referenceFeatures } from './wordFeatures.ts';

/** What is known of one image. */
export interface RatingFeatures {
  /** CLS feature `[dim]`, unit length. */
  readonly cls: Float32Array;
  /** Of its prompt; null: there is none, or it names nothing to look for. */
  readonly standing: PromptStanding | null;
}

/**
 * Encodes an image and, where there is a prompt, measures how its phrases stand in it.
 *
 * @throws AbortError; UserError if the model gives no usable numbers; whatever the encoder throws
 */
export async function measureForRating(
  image: RgbaImage | RowSource,
  {
    clip,
    imageSize,
    prompt,
    readPrompt,
    signal,
  }: {
    readonly clip: ClipEncoder;
    readonly imageSize: number;
    readonly prompt: string | null;
    readonly readPrompt: PromptReader | null;
    readonly signal?: { readonly aborted: boolean };
  },
): Promise<RatingFeatures> {
  const proceed = () => {
    if (signal?.aborted) throw abortError();
  };
  proceed();
  const pixelValues = clipPixelValues(image, { imageSize, mean: clip.imageMean, std: clip.imageStd });
  const features = await clip.encodeImage(pixelValues, imageSize);
  assertUsable(features, clip);
  const cls = features.cls.slice();
  const phrases = (prompt && readPrompt ? readPrompt(prompt).phrases : [])
    .filter(({ scope }) => scope === 'place')
    .slice(0, largestPhraseCount);
  if (prompt === null || phrases.length === 0) return { cls, standing: null };

  const reference = await referenceFeatures(clip, { beforeRun: proceed });
  const texts = [plainPrompt(prompt), ...phrases.flatMap(({ text, noun }) => [text, noun.text])];
  const rows = await encodeTexts(clip, texts, { beforeRun: proceed });
  const level = referenceLevel(referenceEvidence(features, reference));
  const stands = (row: number) =>
    standing(textEvidence(features, rows.subarray(row * clip.dim, (row + 1) * clip.dim), reference), level);
  return {
    cls,
    standing: {
      prompt: stands(0),
      phrases: phrases.map(({ negated = false }, i) => ({
        phrase: stands(1 + 2 * i),
        noun: stands(2 + 2 * i),
        negated,
      })),
    },
  };
}
