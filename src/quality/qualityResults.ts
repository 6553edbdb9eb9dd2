/** What the maps find, as plain data that crosses a worker boundary. */
import type { ParsedWord, Phrase } from '../prompt/phrase.ts';
import type { QualityMap } from './qualityMap.ts';

/** The four quality factors of the PQ-Map, in the paper's order (spec "PQ-Map"). */
export type PerceptualFactor = 'overall' | 'technical' | 'rationality' | 'naturalness';

/** How the quality words become text features: published contexts, written words, the user's ratings, or the released code's drawing. */
export type PerceptualMode = 'learned' | 'zeroShot' | 'calibrated' | 'released';

/** PQ: where the image looks bad (G-Refine eq. 2 and 3). */
export interface PerceptualResult {
  readonly mode: PerceptualMode;
  /** Q_P in 0..1, 1 = good. */
  readonly score: number;
  /** q_k on the whole image, each 0..1. */
  readonly factors: Readonly<Record<PerceptualFactor, number>>;
  /** M_P, 0..1 absolute, 1 = good. */
  readonly map: QualityMap;
  /** P_k per factor, 0..1 absolute, 1 = good. */
  readonly factorMaps: Readonly<Record<PerceptualFactor, QualityMap>>;
}

/**
 * What became of a phrase: as asked (in the image; or not in it, where asked to be absent), its noun absent, its noun there
 * but described wrongly, there although asked to be absent, or about the style.
 */
export type PhraseStatus = 'ok' | 'missing' | 'wrongAttribute' | 'unwanted' | 'style';

/** One phrase and how the image meets it (G-Refine eq. 5). */
export interface PhraseResult {
  readonly phrase: Phrase;
  readonly status: PhraseStatus;
  /** S_i: probability that the image shows the phrase, 0..1. */
  readonly score: number;
  /** S_iⁿ: probability that it shows the phrase's noun. */
  readonly nounScore: number;
  /** M_i: where the phrase is found (of a wrong attribute, where it was fitted: its best rival), and its noun, 0..1, 1 = here. */
  readonly map: QualityMap;
  /** Of a wrong attribute, where it was fitted: the rival that fits best, which is what the thing looks like ("small blue cube"). */
  readonly looksLike?: string;
  /** M_iⁿ: where the bare noun is found, 0..1, 1 = here. */
  readonly nounMap: QualityMap;
  /** Where something missing is to come, 0..1, 1 = here; see `missingPlace.ts`. None of what is not missing. */
  readonly place?: QualityMap;
  /** w of eq. 7: 1 where nothing needs emphasis, up to 1.5. */
  readonly emphasis: number;
}

/** AQ: where the image misses the prompt (G-Refine eq. 5 to 8). */
export interface AlignmentResult {
  /** Q_A in 0..1. */
  readonly score: number;
  /** S(P) of the whole prompt, 0..1. */
  readonly promptScore: number;
  readonly phrases: readonly PhraseResult[];
  /** The dependency trees of the prompt, where it was parsed. */
  readonly sentences?: readonly (readonly ParsedWord[])[];
  /** M_A = 1 − D_A, 0..1, 1 = good. Unclipped sums stay in `defect`. */
  readonly map: QualityMap;
  /** D_A before clipping: sum of the weighted defects (eq. 6), >= 0. */
  readonly defect: QualityMap;
}
