import type { BatchTask, BatchWork } from '../batch/batch.ts';
import type { AnalysisSettings } from '../pipeline/analysis.ts';
import type { StrategyId } from '../pipeline/strategy.ts';
import type { RefineChoices } from './refineChoices.ts';

/** What to do with every image, as it is chosen. */
export type BatchChoice =
  | { readonly kind: 'analyse' }
  | { readonly kind: 'refine'; readonly strategy: StrategyId; readonly title: string };

/**
 * A task as it is stored: settings and seed are those of the moment it is chosen, so that every image is treated alike and a run can be
 * repeated.
 * @param options `number` of the task in its batch, from 1. `newSeed` where the user chose none
 */
export function batchTask(
  choice: BatchChoice,
  {
    number,
    analysis,
    refineChoices,
    newSeed,
    measures,
  }: {
    number: number;
    analysis: AnalysisSettings;
    refineChoices: RefineChoices;
    newSeed: () => number;
    measures: BatchTask['measures'];
  },
): BatchTask {
  if (choice.kind === 'analyse') {
    return { id: `analyse-${number}`, title: 'Analyse', work: { kind: 'analyse' }, analysis, measures };
  }
  const { strategy, title } = choice;
  const { settings } = refineChoices;
  const work: BatchWork = { kind: 'refine', strategy, settings, seed: refineChoices.seed ?? newSeed() };
  return {
    id: `${strategy}-${number}`,
    title,
    work,
    analysis: { ...analysis, maskThreshold: settings.maskThreshold },
    measures,
  };
}
