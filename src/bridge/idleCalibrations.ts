import type { CalibrationApi } from './calibrationProtocol.ts';

/** Calibrations of which there are none, for tests: each says what is different. */
export const idleCalibrations: CalibrationApi = {
  calibrate: unexpected,
  listCalibrations: async () => [],
  saveCalibration: unexpected,
  importCalibration: unexpected,
  exportCalibration: unexpected,
  deleteCalibration: async () => {},
};

async function unexpected(): Promise<never> {
  throw new Error('Nobody expected this call');
}
