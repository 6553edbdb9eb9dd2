/**
 * AQ-Map: where an image misses its prompt, and how well it follows it as a whole (G-Refine eq. 5 to 8, spec "AQ-Map").
 */
import { sigmoid } from '../math/softmax.ts';
import { meanOfLargest, quantile } from '../math/statistics.ts';
import { difference } from '../math/vectors.ts';
import type { ClipImageFeatures } from '../pipeline/ports.ts';
import { emphasisBeside, emphasisWeight } from '../prompt/emphasis.ts';
import type { Phrase } from '../prompt/phrase.ts';
import {
  type AlignmentCalibration,
  alignmentEvidence,
  alignmentProbability,
  bestPatchCount,
  type PresenceCalibration,
  patchSimilarity,
  presenceProbability,
  promptAlignment,
} from './alignmentScore.ts';
import { attributeEvidence, attributeProbability, bestRival } from './attributeScore.ts';
import { missingPlaces } from './missingPlace.ts';
import type { QualityMap } from './qualityMap.ts';
import type { AlignmentResult, PhraseResult, PhraseStatus } from './qualityResults.ts';

/** Text features, rows of unit length. */
export interface PromptFeatures {
  /** Of each phrase's text, `[phrases, dim]`. */
  readonly phrases: Float32Array;
  /** Of each phrase's bare noun, `[phrases, dim]`. */
  readonly nouns: Float32Array;
  /** Of the whole prompt, `[dim]`. */
  readonly prompt: Float32Array;
  /** Of the empty string, the redundant feature that every text shares, `[dim]`. */
  readonly empty: Float32Array;
  /** Of each phrase's rivals (`attributeScore.ts`); default: no phrase has any. */
  readonly rivals?: readonly (readonly RivalFeature[])[];
}

/** A rival phrase and its text feature, `[dim]`. */
export interface RivalFeature {
  readonly text: string;
  readonly feature: Float32Array;
}

/** What decides an alignment besides features. Thresholds in 0..1. */
export interface AlignmentOptions {
  /** κ of the CLIP in use. */
  readonly logitScale: number;
  readonly calibration: AlignmentCalibration;
  /** For bare nouns, where theirs is another; default: the same. */
  readonly nounCalibration?: AlignmentCalibration;
  /** For the whole prompt, likewise: of many things each has less evidence than alone. */
  readonly promptCalibration?: AlignmentCalibration;
  /** Where it was fitted: how the whole phrase helps to tell whether its noun is there; default: the bare noun alone does. */
  readonly presence?: PresenceCalibration;
  /** Where it was fitted: how a phrase's lead over its rivals tells whether its attributes are right; default: its own evidence does. */
  readonly attributes?: AlignmentCalibration;
  /** T_n: a noun scoring below is missing. */
  readonly nounThreshold: number;
  /** T_p: a phrase scoring below, its noun being there, has a wrong attribute. */
  readonly phraseThreshold: number;
  /** B_a of eq. 8. */
  readonly alignmentBound: number;
}

/** Share of the patches taken for background when a phrase is located. */
export const backgroundShare = 0.05;

/**
 * M_i in 0..1: where in the image something is, given that it is there [ours]: `sigmoid(κ · (d − middle))`, the middle lying
 * half way between the background (5 % quantile) and the best patches.
 *
 * Relative to the image, because a patch of the surgery path has another level of similarity than CLS and no calibrated zero;
 * whether the thing is there at all is S_i's business, and eq. 6 uses a map only where it is. Not min-max: that
 * stretches noise to the full range, whereas a map without contrast (κ · range well below 1) stays near 0.5 everywhere.
 * With a ViT-B/16, objects stand out by 0.05 to 0.1: 0.92 to 0.99 on them, the rest of 1 beside them.
 */
export function locate(similarity: Float32Array, { logitScale }: { readonly logitScale: number }): Float32Array {
  const background = quantile(similarity, backgroundShare);
  const object = meanOfLargest(similarity, bestPatchCount(similarity.length));
  const middle = (background + object) / 2;
  return Float32Array.from(similarity, (value) => sigmoid(logitScale * (value - middle)));
}

/**
 * Scores, located phrases and the defect map of a prompt.
 *
 * Of Algorithm 1 the ancestors come with the phrases. [ours]: an ancestor that is itself missing has no place, so its own
 * ancestor is taken instead; and what stands beside its ancestor, or has none, comes to an empty place (`missingPlace.ts`). Phrases
 * about the whole image (style, boosters) are scored but neither drawn, nor emphasised, nor counted in Q_A's product: they name
 * nothing to look for, and S(P) has them already. Phrases asked to be
 * absent are looked for like others: present, they are defects where they are; absent, they are as asked. They are never
 * emphasised, which would call them up.
 *
 * @throws RangeError if the features do not fit the phrases
 */
export function alignmentMap(
  features: ClipImageFeatures,
  {
    phrases,
    texts,
    ...options
  }: AlignmentOptions & { readonly phrases: readonly Phrase[]; readonly texts: PromptFeatures },
): AlignmentResult {
  const { gridWidth, gridHeight } = features;
  const dim = texts.empty.length;
  if (texts.phrases.length !== phrases.length * dim || texts.nouns.length !== phrases.length * dim) {
    throw new RangeError(`${phrases.length} phrases, but ${texts.phrases.length / dim} text features`);
  }
  const asMap = (values: Float32Array): QualityMap => ({ gridWidth, gridHeight, values });

  /** Eq. 5: S and M of one text. */
  const find = (text: Float32Array, calibration = options.calibration) => {
    const direction = difference(text, texts.empty);
    const similarity = patchSimilarity(features, direction);
    const evidence = alignmentEvidence(features, direction, { similarity });
    return {
      direction,
      similarity,
      score: alignmentProbability(evidence, calibration, options),
      map: asMap(locate(similarity, options)),
    };
  };
  /** Whether a phrase's attributes are right, and which is its best rival, and where; null: it has none. */
  const holdAgainst = (
    rivals: readonly RivalFeature[],
    { whole, nounSimilarity }: { readonly whole: ReturnType<typeof find>; readonly nounSimilarity: Float32Array },
  ) => {
    const { attributes } = options;
    if (!attributes || rivals.length === 0) return null;
    const directions = rivals.map(({ feature }) => difference(feature, texts.empty));
    const evidence = attributeEvidence(features, { ...whole, nounSimilarity, rivals: directions });
    const best = bestRival(evidence, attributes);
    return {
      score: attributeProbability(evidence, attributes, options),
      rival: (rivals[best] as RivalFeature).text,
      rivalMap: () => asMap(locate(patchSimilarity(features, directions[best] as Float32Array), options)),
    };
  };
  const found = phrases.map((phrase, i): PhraseResult => {
    const isBare = phrase.text === phrase.noun.text;
    const whole = find(texts.phrases.subarray(i * dim, (i + 1) * dim), isBare ? options.nounCalibration : undefined);
    const noun = find(texts.nouns.subarray(i * dim, (i + 1) * dim), options.nounCalibration);
    const nounScore = options.presence
      ? presenceProbability({ noun: noun.score, phrase: whole.score }, options.presence)
      : noun.score;
    const held = holdAgainst(texts.rivals?.[i] ?? [], { whole, nounSimilarity: noun.similarity });
    // Held against its rivals a phrase says nothing of whether its noun is there at all.
    const score = held ? Math.min(nounScore, held.score) : whole.score;
    const status = phraseStatus(phrase, { score, nounScore, ...options });
    const seen = status === 'wrongAttribute' ? held : null;
    const emphasis =
      status === 'missing'
        ? emphasisWeight(nounScore, options.nounThreshold)
        : status === 'wrongAttribute'
          ? emphasisWeight(score, options.phraseThreshold)
          : 1;
    return {
      phrase,
      status,
      score,
      nounScore,
      map: isBare ? noun.map : bothMaps(seen ? seen.rivalMap() : whole.map, noun.map),
      ...(seen && { looksLike: seen.rival }),
      nounMap: noun.map,
      emphasis: emphasisBeside(phrase.weight ?? 1, emphasis),
    };
  });

  const places = missingPlaces(found, { gridWidth, gridHeight });
  const results = found.map((result, i): PhraseResult => {
    const place = places[i];
    return place ? { ...result, place: asMap(place) } : result;
  });
  const defect = defectSum(results, gridWidth * gridHeight);
  const promptScore = find(texts.prompt, options.promptCalibration).score;
  const placed = results.filter(({ phrase }) => phrase.scope === 'place');
  const score = promptAlignment(
    {
      prompt: promptScore,
      phrases: placed.map((result) => ({ ...result, negated: result.phrase.negated ?? false })),
    },
    options.alignmentBound,
  );
  return {
    score,
    promptScore,
    phrases: results,
    map: asMap(defect.map((value) => 1 - Math.min(Math.max(value, 0), 1))),
    defect: asMap(defect),
  };
}

/**
 * M_i of a phrase [ours]: where both its whole text and its bare noun are found, as their geometric mean. By its text alone "red cube" may
 * be found on a red ball where the cube is blue. Told by rivals, the text of what is described wrongly is that of its best rival: a blue
 * cube is where "blue cube" is found, not "red cube". On scenes whose truth is known its peak is then on 0.98 of such things, not 0.88.
 */
function bothMaps({ values: phrase, ...grid }: QualityMap, { values: noun }: QualityMap): QualityMap {
  return { ...grid, values: phrase.map((value, cell) => Math.sqrt(value * (noun[cell] as number))) };
}

/** The two cases of eq. 6, what falls under neither, and [ours] what is there although asked to be absent. */
function phraseStatus(
  phrase: Phrase,
  {
    score,
    nounScore,
    nounThreshold,
    phraseThreshold,
  }: {
    readonly score: number;
    readonly nounScore: number;
    readonly nounThreshold: number;
    readonly phraseThreshold: number;
  },
): PhraseStatus {
  if (phrase.scope === 'whole') return 'style';
  if (phrase.negated) return nounScore >= nounThreshold && score >= phraseThreshold ? 'unwanted' : 'ok';
  if (nounScore < nounThreshold) return 'missing';
  // A bare noun has no attribute that could be wrong, even where T_p is above T_n.
  if (score < phraseThreshold && phrase.text !== phrase.noun.text) return 'wrongAttribute';
  return 'ok';
}

/** How surely a phrase is not as asked, 0..1; 0: it is as asked, or about the style. */
export function mismatch({ status, score, nounScore }: PhraseResult): number {
  if (status === 'missing') return 1 - nounScore;
  if (status === 'wrongAttribute') return 1 - score;
  // What is to be absent is a defect as far as it is surely there [ours].
  return status === 'unwanted' ? Math.min(score, nounScore) : 0;
}

/** Eq. 6 before clipping: D_A at grid resolution, >= 0. */
export function defectSum(results: readonly PhraseResult[], cells: number): Float32Array<ArrayBuffer> {
  const defect = new Float32Array(cells);
  for (const result of results) {
    const weight = mismatch(result);
    if (weight === 0) continue;
    const place = (result.place ?? result.map).values;
    for (let cell = 0; cell < cells; cell++) {
      defect[cell] = (defect[cell] as number) + weight * (place[cell] as number);
    }
  }
  return defect;
}
