import type { CalibrationApi, CalibrationSummary } from '../../src/bridge/calibrationProtocol.ts';
import type { Calibration, Verdict } from '../../src/calibration/calibration.ts';
import { reportOf } from '../../src/calibration/crossValidate.ts';

/** Gains of the folds that lead to each verdict. */
const GAINS: Readonly<Record<Verdict, readonly number[]>> = {
  helps: [0.21, 0.17, 0.24, 0.19, 0.2],
  uncertain: [0.02, 0.15, -0.06, 0.11, 0.01],
  doesNotHelp: [-0.04, 0.02, -0.07, 0.03, -0.01],
};

/**
 * Calibrations that are learned at once and worth what the scenario says.
 * @param options.step one step of learning; throws when it is cancelled
 */
export function fakeCalibrations({
  verdict,
  hang,
  step,
}: {
  verdict: Verdict;
  hang: string | null;
  step: (jobId: string, hangs: boolean) => Promise<void>;
}): CalibrationApi {
  let kept: CalibrationSummary[] = [];
  const keep = ({ name, madeAt, modelName, images, quality }: Calibration): CalibrationSummary => {
    const id = `calibration-${kept.length}`;
    const summary = { id, name, madeAt, modelName, images, verdict: quality.verdict, fits: true, hasAlignment: false };
    kept = [summary, ...kept];
    return summary;
  };
  const pair = Float32Array.of(1, 1);
  return {
    calibrate: async ({ jobId, name, rated, scale, seed }, onProgress) => {
      for (const [i] of rated.entries()) {
        onProgress({ stage: 'measure', done: i, total: rated.length });
        await step(jobId, hang === 'measure' && i > rated.length / 2);
      }
      for (let done = 0; done < 144; done += 24) {
        onProgress({ stage: 'learn', done, total: 144 });
        await step(jobId, hang === 'learn' && done > 60);
      }
      const folds = GAINS[verdict].map((gain, i) => {
        const before = { srcc: 0.31 + 0.03 * i, plcc: 0.35 + 0.02 * i, krcc: 0.22 };
        const after = { srcc: before.srcc + gain, plcc: before.plcc + gain, krcc: before.krcc + gain };
        return { images: Math.round(rated.length / 5), before, after };
      });
      return {
        calibration: {
          name,
          madeAt: 1_700_000_000_000,
          modelName: 'openai/clip-vit-base-patch16',
          clip: { dim: 1, textWidth: 1, logitScale: 100, fingerprint: pair },
          imageSize: 448,
          words: { overall: pair, technical: pair, rationality: pair, naturalness: pair },
          bounds: { technical: 0.935, rationality: 0.535, naturalness: 0.661 },
          alignment: null,
          images: rated.length,
          scale: scale ?? [1, 5],
          seed,
          quality: reportOf(folds),
          match: null,
        },
        unread: [],
        startedFrom: 'learned',
      };
    },
    listCalibrations: async () => kept,
    saveCalibration: async (calibration) => keep(calibration),
    importCalibration: async () => {
      throw new Error('Not in this page');
    },
    exportCalibration: async () => new Blob(['{}'], { type: 'application/json' }),
    deleteCalibration: async (id) => {
      kept = kept.filter((one) => one.id !== id);
    },
  };
}
