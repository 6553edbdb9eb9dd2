import { sigmoid } from '../math/softmax.ts';
import { type AlignmentThresholds, calibrateAlignment, promptAlignment } from '../quality/alignmentScore.ts';

/** What an image says for its prompt, as `standing` measures it: in deviations above texts that do not describe the image. */
export interface PromptStanding {
  readonly prompt: number;
  /** Of the phrases that have a place. */
  readonly phrases: readonly { readonly phrase: number; readonly noun: number; readonly negated: boolean }[];
}

/** B_a of eq. 8 that calibrations are judged with: the default of the settings. */
const alignmentBound = 0.5;

/** Q_A of eq. 8 with thresholds. */
export function alignmentOf({ prompt, phrases }: PromptStanding, { middle, slope }: AlignmentThresholds): number {
  const probability = (deviations: number) => sigmoid(slope * (deviations - middle));
  return promptAlignment(
    {
      prompt: probability(prompt),
      phrases: phrases.map(({ phrase, noun, negated }) => ({
        score: probability(phrase),
        nounScore: probability(noun),
        negated,
      })),
    },
    alignmentBound,
  );
}

/**
 * Learns eq. 5's threshold and slope [ours] with `calibrateAlignment`: prompts that were rated above the middle of the scale are
 * matched, those below are not.
 *
 * @param ratings 0..1, one for each prompt
 * @returns null where all ratings lie on one side, or the better rated prompts have no more evidence
 */
export function learnThresholds(
  standings: readonly PromptStanding[],
  ratings: ArrayLike<number>,
): AlignmentThresholds | null {
  const above = standings.filter((_, i) => (ratings[i] as number) > 0.5).map(({ prompt }) => prompt);
  const below = standings.filter((_, i) => (ratings[i] as number) < 0.5).map(({ prompt }) => prompt);
  if (above.length === 0 || below.length === 0) return null;
  try {
    const { scale, bias } = calibrateAlignment(above, below, { logitScale: 1 });
    return { middle: bias, slope: scale };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
