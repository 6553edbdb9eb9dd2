import type { AnalysisSettings } from '../pipeline/analysis.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { BatchImage, BatchOutcome, BatchResult, BatchTask } from './batch.ts';

/** Made-up parts of batches, for tests. */
export const sampleAnalysisSettings: AnalysisSettings = {
  imageSize: null,
  perceptualMode: 'auto',
  calibration: null,
  nounThreshold: 0.5,
  phraseThreshold: 0.5,
  alignmentBound: 0.5,
  maskThreshold: 0.4,
};

/** Only what tests look at. */
export const sampleRefineSettings = { maskThreshold: 0.4, negativePrompt: '' } as RefineSettings;

export const analyseTask: BatchTask = {
  id: 'analyse',
  title: 'Analyse',
  work: { kind: 'analyse' },
  analysis: sampleAnalysisSettings,
  measures: 'maps',
};

export const refineTask: BatchTask = {
  id: 'gentle',
  title: 'Gentle',
  work: { kind: 'refine', strategy: 'gRefine', settings: sampleRefineSettings, seed: 7 },
  analysis: sampleAnalysisSettings,
  measures: 'maps',
};

export function imagesOf(...paths: string[]): BatchImage[] {
  return paths.map((path, i) => ({ path, size: 1000 + i, prompt: null }));
}

/** A result with a quality, and one after refining where it is given. */
export function resultOf(quality: number, after?: number): BatchResult {
  return {
    width: 640,
    height: 480,
    prompt: 'a dog',
    promptFrom: 'file',
    model: 'clip-tiny',
    outcome: after === undefined ? 'analysed' : 'refined',
    before: { quality, match: 0.25 },
    after: after === undefined ? null : { quality: after, match: 0.5 },
    regions: after === undefined ? null : { tried: 2, kept: 1 },
    hints: [],
  };
}

export function doneAt(finishedAt: number, took = 1000, result = resultOf(0.5)): BatchOutcome {
  return { state: 'done', result, took, finishedAt };
}

export function failedWith(name: string, message = 'it cannot be read'): BatchOutcome {
  return { state: 'failed', problem: { name, message }, finishedAt: 1 };
}
