import { type ImageMeasures, type MeasureValues, noMeasures } from '../measures/measures.ts';
import type { AnalysisResult } from './analysis.ts';

/** The measures that no analysis has; `measureImage.ts` computes them. */
export type ComputedMeasures = Pick<MeasureValues, 'clipIqa' | 'clipScore' | 'niqe' | 'brisque' | 'ssim' | 'psnr'>;

/** The same of a picture before and after refining. */
export interface BeforeAndAfter {
  readonly before: ComputedMeasures;
  readonly after: ComputedMeasures;
}

/** Everything measured of an image, from its analysis and what was computed besides; null: nothing was yet. */
export function imageMeasures(
  { perceptual, alignment }: Pick<AnalysisResult, 'perceptual' | 'alignment'>,
  computed: ComputedMeasures | null,
): ImageMeasures {
  return {
    values: {
      ...noMeasures.values,
      quality: perceptual.score,
      ...perceptual.factors,
      match: alignment?.score ?? null,
      ...computed,
    },
    phrases: (alignment?.phrases ?? []).map(({ phrase, score }) => ({
      text: phrase.text,
      start: phrase.tokens[0]?.start ?? null,
      score,
    })),
  };
}
