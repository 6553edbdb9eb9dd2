import type { Json } from '../image/json.ts';
import type { AnalysisResult } from './analysis.ts';
import { rounded } from './analysisRecord.ts';
import { type BeforeAndAfter, imageMeasures } from './imageMeasures.ts';
import { measuresRecord } from './measuresRecord.ts';
import type { RefineResult } from './refinement.ts';

/** Version of the record below. */
export const refineRecordFormat = 1;

/**
 * How a picture came about, as JSON to keep in its file: what was found, with what it was repaired, what the gate decided.
 *
 * @param results every refinement between the original and the picture, oldest first
 */
export function refineRecord(
  results: readonly RefineResult[],
  {
    version,
    measured = null,
  }: {
    readonly version: string;
    /** What was measured besides the maps, of the original and of the picture. */
    readonly measured?: BeforeAndAfter | null;
  },
): Json {
  return {
    format: refineRecordFormat,
    generator: `g-refine ${version}`,
    refinements: results.map((result) => ({
      strategy: result.strategy,
      outcome: result.outcome,
      prompt: result.before.prompt,
      emphasisedPrompt: result.emphasisedPrompt,
      seed: result.seed,
      models: { ...result.models },
      settings: asJson(result.settings),
      analysisSettings: asJson(result.before.settings),
      before: scores(result.before),
      after: scores(result.after),
      regions: result.regions.map(({ place, stage, before, after, kept, reason, text }) => ({
        place: { ...place },
        stage,
        before: rounded(before),
        after: rounded(after),
        kept,
        reason,
        ...(text !== undefined && { text }),
      })),
      hints: [...result.hints],
    })),
    ...measuresBetween(results, measured),
  };
}

/** All measures of the original and of the picture. */
function measuresBetween(results: readonly RefineResult[], measured: BeforeAndAfter | null): { measures?: Json } {
  const [first, last] = [results[0], results.at(-1)];
  if (!measured || !first || !last) return {};
  const [before, after] = [imageMeasures(first.before, measured.before), imageMeasures(last.after, measured.after)];
  return { measures: measuresRecord(before, after) };
}

function scores({ perceptual, alignment }: AnalysisResult): Json {
  return {
    quality: rounded(perceptual.score),
    factors: Object.fromEntries(Object.entries(perceptual.factors).map(([factor, value]) => [factor, rounded(value)])),
    match: alignment && rounded(alignment.score),
    phrases:
      alignment?.phrases.map(({ phrase, status, score }) => ({ text: phrase.text, status, score: rounded(score) })) ??
      null,
  };
}

/** Settings are plain data; a copy of them. */
function asJson(settings: object): Json {
  return JSON.parse(JSON.stringify(settings)) as Json;
}
