import { overallQuality } from '../refine/balanceGate.ts';
import type { RefineResult } from './refinement.ts';

/**
 * Which of several refinements of one image to keep: the refined one of the highest Q_P · Q_A, the earlier of equals; where
 * none was better than the original, the first.
 *
 * @returns its index
 * @throws RangeError on an empty list
 */
export function bestOf(results: readonly RefineResult[]): number {
  if (results.length === 0) throw new RangeError('No results');
  let best = -1;
  let quality = Number.NEGATIVE_INFINITY;
  results.forEach(({ outcome, after }, i) => {
    if (outcome === 'refined' && overallQuality(after) > quality) {
      best = i;
      quality = overallQuality(after);
    }
  });
  return Math.max(best, 0);
}
