/**
 * G-Refine with a part left out, as its authors do to show what that part is good for: one map alone, or stage 1 alone. What is left
 * out is left out everywhere: in the mask, the emphasis, the strength and the gate. The scores told are always those of both maps.
 */
import { faultless } from '../quality/qualityMap.ts';
import type { AnalysisResult } from './analysis.ts';
import { refineWith } from './gRefine.ts';
import type { Refined, StrategyJob } from './strategy.ts';

/** What G-Refine knows of an image if there were no AQ-Map. */
export function withoutAlignment(analysis: AnalysisResult): AnalysisResult {
  return { ...analysis, alignment: null };
}

/** What G-Refine knows of an image if there were no PQ-Map: all of it looks right. */
export function withoutPerceptual(analysis: AnalysisResult): AnalysisResult {
  const { perceptual } = analysis;
  return { ...analysis, perceptual: { ...perceptual, score: 1, map: faultless(perceptual.map) } };
}

/** PQ-Map alone: nothing is repaired or emphasised because the prompt misses it. */
export function perceptualOnly(job: StrategyJob): Promise<Refined> {
  return refineWith(job, { strategy: 'perceptualOnly', sees: withoutAlignment, restores: true });
}

/** AQ-Map alone: only what misses the prompt is repaired. */
export function alignmentOnly(job: StrategyJob): Promise<Refined> {
  return refineWith(job, { strategy: 'alignmentOnly', sees: withoutPerceptual, restores: true });
}

/** Stage 1 alone: every byte outside the mask is the input's. */
export function repaintOnly(job: StrategyJob): Promise<Refined> {
  return refineWith(job, { strategy: 'repaintOnly', sees: (analysis) => analysis, restores: false });
}
