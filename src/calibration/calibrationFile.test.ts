import { describe, expect, test } from 'vitest';
import { type Calibration, isSameClip } from './calibration.ts';
import { fromBase64, readCalibration, toBase64, writeCalibration } from './calibrationFile.ts';
import { syntheticDim, syntheticWords } from './syntheticRatings.ts';

const agreement = { srcc: 0.5, plcc: 0.25, krcc: Number.NaN };
const report = {
  verdict: 'uncertain' as const,
  folds: [{ images: 9, before: agreement, after: agreement }],
  before: agreement,
  after: agreement,
};
const calibration: Calibration = {
  name: 'Mine “ü”',
  madeAt: 1_800_000_000_000,
  modelName: 'openai/clip-vit-base-patch16',
  clip: { dim: syntheticDim, textWidth: 512, logitScale: 100, fingerprint: Float32Array.of(0.5, -1, 0.25) },
  imageSize: 448,
  words: syntheticWords,
  bounds: { technical: 0.9, rationality: 0.5, naturalness: 0.6 },
  alignment: { middle: 2.5, slope: 1.5 },
  images: 45,
  scale: [1, 5],
  seed: 1,
  quality: report,
  match: null,
};

const read = (text: string) => readCalibration(text, { name: 'mine.json' });
/** The file with some members changed. */
const changed = (part: object) => JSON.stringify({ ...JSON.parse(writeCalibration(calibration)), ...part });

test('a calibration survives being written and read', () => {
  expect(read(writeCalibration(calibration))).toEqual(calibration);
  expect(read(writeCalibration({ ...calibration, alignment: null, match: report })).match).toEqual(report);
});

test('base64 is that of the platform, and carries every bit', () => {
  for (const length of [0, 1, 2, 3, 4, 7]) {
    const values = Float32Array.from({ length }, (_, i) => Math.sin(i + 1) * 10 ** (i - 3));
    const text = toBase64(values);
    expect(text).toBe(Buffer.from(values.buffer).toString('base64').replaceAll('=', ''));
    expect(fromBase64(text, 'it')).toEqual(values);
  }
});

describe('what is no calibration is refused with the reason', () => {
  test.each([
    ['not JSON', '{', 'Cannot read "mine.json"'],
    ['another file', '{"format":"other"}', 'it is no calibration of G-Refine'],
    ['a list', '[]', 'the file is no object'],
    ['another version', changed({ version: 2 }), 'its version is 2, expected 1'],
    ['no bound', changed({ bounds: { technical: 0.9, rationality: 0, naturalness: 1 } }), 'bounds.rationality is 0'],
    ['a short pair', changed({ words: { overall: 'AAAA' } }), 'words.overall has 0 numbers, expected 48'],
    [
      'a pair of other length',
      changed({ words: { overall: toBase64(new Float32Array(48).fill(2)) } }),
      'not of unit length',
    ],
    ['NaN', changed({ words: { overall: toBase64(new Float32Array(48).fill(Number.NaN)) } }), 'what is no number'],
    ['no base64', changed({ clip: { ...calibration.clip, fingerprint: '?' } }), 'clip.fingerprint is no base64'],
    ['a scale the wrong way round', changed({ scale: [5, 1] }), 'scale is not two ascending numbers'],
    ['an unknown verdict', changed({ quality: { ...report, verdict: 'great' } }), 'quality.verdict is "great"'],
    ['too deep', '['.repeat(100), 'it is too large'],
  ])('%s', (_, text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });
});

test('a CLIP is known again after rounding, and told from others', () => {
  const { clip } = calibration;
  const rounded = { ...clip, logitScale: 100.04, fingerprint: clip.fingerprint.map((value) => value * 1.0005) };
  expect(isSameClip(rounded, clip)).toBe(true);
  expect(isSameClip({ ...clip, dim: 768 }, clip)).toBe(false);
  expect(isSameClip({ ...clip, logitScale: 90 }, clip)).toBe(false);
  expect(isSameClip({ ...clip, fingerprint: Float32Array.of(0.5, -0.95, 0.25) }, clip)).toBe(false);
  expect(isSameClip({ ...clip, fingerprint: Float32Array.of(0.5) }, clip)).toBe(false);
});
