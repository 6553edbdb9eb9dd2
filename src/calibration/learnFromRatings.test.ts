import { describe, expect, test } from 'vitest';
import { abortError } from '../errors.ts';
import { dot } from '../math/vectors.ts';
import { defaultAlignmentThresholds } from '../quality/alignmentScore.ts';
import { perceptualBounds } from '../quality/perceptualMap.ts';
import { reportOf } from './crossValidate.ts';
import { seededFolds } from './folds.ts';
import { type LearningJob, learnFromRatings, type MeasuredImage } from './learnFromRatings.ts';
import { fewestImages } from './ratings.ts';
import { syntheticImages, syntheticLogitScale, syntheticWords } from './syntheticRatings.ts';

const job: LearningJob = { initial: syntheticWords, logitScale: syntheticLogitScale, seed: 1 };

describe('learning from ratings', () => {
  test('finds a hidden direction: held-out images agree far better, and the report says so', async () => {
    const progress: number[] = [];
    const { words, bounds, quality, match, scale } = await learnFromRatings(syntheticImages(75, { share: 0.95 }), {
      ...job,
      onProgress: (done, total) => progress.push(done / total),
    });
    expect(quality.folds.map(({ images }) => images)).toEqual([15, 15, 15, 15, 15]);
    expect(quality.before.srcc).toBeLessThan(0.3);
    expect(quality.after.srcc).toBeGreaterThan(0.6);
    expect(quality.verdict).toBe('helps');
    for (const pair of Object.values(words)) expect(dot(pair, pair)).toBeCloseTo(2, 5);
    expect([bounds, match, scale]).toEqual([perceptualBounds, null, [1, 5]]);
    expect(progress[0]).toBe(0);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  test('says of random ratings that they did not help', async () => {
    for (const seed of [1, 2, 3]) {
      const { quality } = await learnFromRatings(syntheticImages(30, { share: 0, seed }), { ...job, seed });
      expect(quality.verdict).not.toBe('helps');
    }
  });

  test('gives the same for the same seed, and other folds for another', async () => {
    const images = syntheticImages(24, { share: 0.9 });
    const first = await learnFromRatings(images, job);
    expect(await learnFromRatings(images, job)).toEqual(first);
    const other = await learnFromRatings(images, { ...job, seed: 2 });
    expect(other.quality.folds).not.toEqual(first.quality.folds);
  });

  test('ratings of a factor teach that factor and its bound', async () => {
    const images = syntheticImages(40, { share: 0.95 }).map(
      (image): MeasuredImage => ({ ...image, ratings: { ...image.ratings, technical: image.ratings.rating } }),
    );
    const { bounds } = await learnFromRatings(images, job);
    const mean = images.reduce((sum, { ratings }) => sum + ((ratings.technical as number) - 1) / 4 / 40, 0);
    expect(bounds.technical).toBeCloseTo(mean, 6);
    expect(bounds.rationality).toBe(perceptualBounds.rationality);
  });

  test('stops when it is cancelled, within one fit', async () => {
    const controller = new AbortController();
    let fits = 0;
    const running = learnFromRatings(syntheticImages(30, { share: 0.5 }), {
      ...job,
      signal: controller.signal,
      pause: async () => {
        if (++fits === 3) controller.abort(abortError());
      },
    });
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(fits).toBe(3);
  });

  test('too few images, or all alike, are refused with what to do', async () => {
    const few = syntheticImages(7, { share: 1 });
    await expect(learnFromRatings(few, job)).rejects.toThrow('Found 7 rated images, expected 20 or more');
    const alike = syntheticImages(30, { share: 1 }).map((image) => ({
      ...image,
      ratings: { ...image.ratings, rating: 4 },
    }));
    await expect(learnFromRatings(alike, job)).rejects.toMatchObject({
      name: 'TableError',
      message: expect.stringContaining('All 30 images are rated 4'),
    });
    expect((await learnFromRatings(syntheticImages(fewestImages, { share: 1 }), job)).quality.folds).toHaveLength(4);
  });
});

describe('learning the threshold of matches', () => {
  /** Prompts that are there stand two deviations higher than those that are not, around `middle`. */
  const matched = (middle: number) =>
    syntheticImages(60, { share: 0.5 }).map((image, i): MeasuredImage => {
      const isThere = i % 2 === 0;
      const prompt = middle + (isThere ? 1 : -1) + Math.sin(i) / 2;
      return {
        ...image,
        ratings: { ...image.ratings, prompt: `p${i}`, alignment: isThere ? 4 + (i % 3) / 3 : 1 + (i % 3) / 3 },
        standing: { prompt, phrases: [{ phrase: prompt + 0.2, noun: prompt + 0.5, negated: false }] },
      };
    });

  test('moves it to where raters are undecided', async () => {
    const { alignment, match } = await learnFromRatings(matched(6), job);
    expect(match?.verdict).toBe('helps');
    expect(match?.after.plcc).toBeGreaterThan((match?.before.plcc ?? 1) + 0.1);
    expect(alignment?.middle).toBeGreaterThan(5.3);
    expect(alignment?.middle).toBeLessThan(6.7);
  });

  test('leaves it where nothing is gained', async () => {
    const random = matched(defaultAlignmentThresholds.middle).map((image, i) => ({
      ...image,
      ratings: { ...image.ratings, alignment: 1 + ((i * 7) % 11) / 2.5 },
    }));
    const { alignment, match } = await learnFromRatings(random, job);
    expect(match?.verdict).not.toBe('helps');
    expect(alignment).toBeNull();
  });
});

test('folds are of one size, keep groups together, and follow the seed', () => {
  const groups = Array.from({ length: 30 }, (_, i) => (i < 24 ? `prompt ${i % 8}` : null));
  const folds = seededFolds(groups, { folds: 5, seed: 3 });
  expect(folds.map(({ length }) => length)).toEqual([6, 6, 6, 6, 6]);
  expect(folds.flat().sort((a, b) => a - b)).toEqual(Array.from(groups.keys()));
  for (let prompt = 0; prompt < 8; prompt++) {
    expect(folds.filter((fold) => fold.some((i) => groups[i] === `prompt ${prompt}`))).toHaveLength(1);
  }
  expect(seededFolds(groups, { folds: 5, seed: 3 })).toEqual(folds);
  expect(seededFolds(groups, { folds: 5, seed: 4 })).not.toEqual(folds);
  // One prompt for all: it cannot be kept together.
  const one = seededFolds(Array(10).fill('same'), { folds: 5, seed: 1 });
  expect(one.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
});

describe('the verdict', () => {
  const report = (gains: readonly number[]) =>
    reportOf(
      gains.map((gain) => ({
        images: 20,
        before: { srcc: 0.3, plcc: 0.3, krcc: 0.2 },
        after: { srcc: 0.3 + gain, plcc: 0.3 + gain, krcc: 0.2 + gain },
      })),
    ).verdict;

  test('needs a gain that is more than chance over the folds', () => {
    expect(report([0.2, 0.25, 0.15, 0.2, 0.22])).toBe('helps');
    // Mean 0.1, standard deviation 0.1: t is 1.5 with the correction, 2.2 without.
    expect(report([0, 0.2, 0.1, 0.2, 0])).toBe('uncertain');
    expect(report([-0.1, 0.1, 0, 0, 0])).toBe('doesNotHelp');
    // Words that ran against the ratings by chance, and learned ones that say nothing.
    const lessWrong = [-0.4, -0.35, -0.3, -0.35, -0.4].map((srcc, i) => ({
      images: 20,
      before: { srcc, plcc: srcc, krcc: srcc },
      after: { srcc: 0.1 - i * 0.05, plcc: 0.1 - i * 0.05, krcc: 0 },
    }));
    expect(reportOf(lessWrong).verdict).toBe('uncertain');
    expect(report([-0.2, -0.2, -0.2, -0.2, -0.2])).toBe('doesNotHelp');
  });

  test('equal scores agree with nothing', () => {
    const flat = { srcc: Number.NaN, plcc: Number.NaN, krcc: Number.NaN };
    const good = { srcc: 0.5, plcc: 0.5, krcc: 0.4 };
    const { before, verdict } = reportOf(Array(5).fill({ images: 9, before: flat, after: good }));
    expect(before).toEqual({ srcc: 0, plcc: 0, krcc: 0 });
    expect(verdict).toBe('helps');
  });
});
