import type { Json } from '../image/json.ts';
import { emphasisedPrompt } from '../prompt/emphasis.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { AnalysisResult } from './analysis.ts';

/** Decimals of every number in a record: finer than any CLIP score is certain. */
const recordDecimals = 5;

/** A number as records have it. */
export function rounded(value: number): number {
  return Number(value.toFixed(recordDecimals));
}

/** Rows of a map, top to bottom. */
function rows({ gridWidth, gridHeight, values }: QualityMap): number[][] {
  return Array.from({ length: gridHeight }, (_, y) =>
    Array.from(values.subarray(y * gridWidth, (y + 1) * gridWidth), rounded),
  );
}

/** All numbers of an analysis as JSON for export; maps are rows of patches, values as in {@link AnalysisResult}. */
export function toRecord(result: AnalysisResult): Json {
  const { perceptual, alignment, settings } = result;
  return {
    model: result.modelName,
    image: { width: result.imageWidth, height: result.imageHeight },
    prompt: result.prompt,
    settings: { ...settings },
    hints: [...result.hints],
    perceptual: {
      mode: perceptual.mode,
      score: rounded(perceptual.score),
      factors: {
        overall: rounded(perceptual.factors.overall),
        technical: rounded(perceptual.factors.technical),
        rationality: rounded(perceptual.factors.rationality),
        naturalness: rounded(perceptual.factors.naturalness),
      },
      map: rows(perceptual.map),
      factorMaps: {
        overall: rows(perceptual.factorMaps.overall),
        technical: rows(perceptual.factorMaps.technical),
        rationality: rows(perceptual.factorMaps.rationality),
        naturalness: rows(perceptual.factorMaps.naturalness),
      },
    },
    alignment: alignment && {
      score: rounded(alignment.score),
      promptScore: rounded(alignment.promptScore),
      emphasisedPrompt: emphasisedPrompt(result.prompt, alignment.phrases),
      phrases: alignment.phrases.map(({ phrase, ...found }) => ({
        text: phrase.text,
        noun: phrase.noun.text,
        spans: phrase.tokens.map(({ start, end }) => [start, end]),
        ancestor: phrase.ancestor,
        scope: phrase.scope,
        negated: phrase.negated ?? false,
        weight: phrase.weight ?? 1,
        status: found.status,
        score: rounded(found.score),
        nounScore: rounded(found.nounScore),
        ...(found.looksLike && { looksLike: found.looksLike }),
        emphasis: rounded(found.emphasis),
        map: rows(found.map),
        nounMap: rows(found.nounMap),
        ...(found.place && { place: rows(found.place) }),
      })),
      map: rows(alignment.map),
      defect: rows(alignment.defect),
    },
  };
}
