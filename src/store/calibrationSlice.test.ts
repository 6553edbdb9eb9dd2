import { describe, expect, test } from 'vitest';
import type { CalibrationApi, CalibrationJob } from '../bridge/calibrationProtocol.ts';
import type { Workers } from '../bridge/client.ts';
import { idleCalibrations } from '../bridge/idleCalibrations.ts';
import { idlePackWorker } from '../bridge/idlePackWorker.ts';
import type { RefineWorkerApi } from '../bridge/protocol.ts';
import type { Calibration, CalibrationSummary } from '../calibration/calibration.ts';
import { abortError, UserError } from '../errors.ts';
import { createAppStore } from './appStore.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';

const made = { name: 'made', images: 3 } as Partial<Calibration> as Calibration;
const outcome = { calibration: made, unread: [], startedFrom: 'learned' as const };

function setUp(over: Partial<CalibrationApi> = {}) {
  let kept: CalibrationSummary[] = [];
  const jobs: CalibrationJob[] = [];
  let cancel = () => {};
  const refine = {
    ...idleCalibrations,
    listCalibrations: async () => kept,
    calibrate: (job: CalibrationJob) => {
      jobs.push(job);
      return new Promise((resolve, reject) => {
        cancel = () => reject(abortError());
        if (job.name !== 'slow') resolve(outcome);
      });
    },
    saveCalibration: async (calibration: Calibration) => {
      const summary = { id: `k${kept.length}`, ...calibration } as Partial<CalibrationSummary> as CalibrationSummary;
      kept = [...kept, summary];
      return summary;
    },
    deleteCalibration: async (id: string) => {
      kept = kept.filter((one) => one.id !== id);
    },
    cancel: async () => cancel(),
    ...over,
  } as Partial<RefineWorkerApi> as RefineWorkerApi;
  const workers: Workers = { refine, compile: idlePackWorker, restart: () => {} };
  let stored = '{}';
  const environment = fakeEnvironment({
    workers,
    storage: {
      getItem: () => stored,
      setItem: (_: string, value: string) => {
        stored = value;
      },
    },
    newId: () => 'job',
  });
  const { getState } = createAppStore(environment);
  return { get: getState, jobs, nextVisit: () => createAppStore(environment).getState() };
}

const file = (path: string, text = '') => ({ path, file: new File([text], path.split('/').at(-1) as string) });
const table = file('mine/ratings.csv', 'file,rating\na.png,1\nb.png,4\nc.png,5\n');

describe('ratings and images', () => {
  test('come together in any order, and what is missing on either side is told', async () => {
    const { get } = setUp();
    await get().takeRatingFiles([table]);
    expect(get().ratings).toMatchObject({ name: 'ratings.csv', scale: [1, 5], missing: ['a.png', 'b.png', 'c.png'] });
    await get().takeRatingFiles([file('set/a.png'), file('set/b.PNG'), file('set/extra.jpg'), file('set/readme.md')]);
    const { matched, missing, unrated } = get().ratings ?? { matched: [] };
    expect(matched.map(({ ratings, file: { name } }) => [ratings.rating, name])).toEqual([
      [1, 'a.png'],
      [4, 'b.PNG'],
    ]);
    expect([missing, unrated]).toEqual([['c.png'], ['set/extra.jpg']]);
  });

  test('a table that cannot be read leaves the former one and says why', async () => {
    const { get } = setUp();
    await get().takeRatingFiles([table]);
    await get().takeRatingFiles([file('bad.csv', 'file,rating\na.png,x')]);
    expect(get().learning).toMatchObject({ problem: { name: 'TableError', during: 'calibrate' } });
    expect(get().ratings?.name).toBe('ratings.csv');
    await get().takeRatingFiles([table]);
    expect(get().learning).toEqual({ state: 'choosing', problem: null });
  });

  test('a calibration file is imported; one of another model says so', async () => {
    const { get } = setUp({
      importCalibration: async () => {
        throw new UserError('TableError', 'another CLIP');
      },
    });
    await get().takeRatingFiles([file('x.g-refine-calibration.json')]);
    expect(get().learning).toMatchObject({ problem: { message: 'another CLIP' } });
  });
});

describe('learning', () => {
  const ready = async (name = 'ratings.csv') => {
    const set = setUp();
    await set.get().takeRatingFiles([{ ...table, file: new File([await table.file.text()], name) }, file('a.png')]);
    return set;
  };

  test('learns, keeps under a name, uses it, and remembers that', async () => {
    const { get, jobs, nextVisit } = await ready();
    await get().startLearning([0, 10]);
    expect(jobs[0]).toMatchObject({ name: 'ratings', scale: [0, 10], rated: [{ ratings: { file: 'a.png' } }] });
    expect(get().learning).toEqual({ state: 'done', outcome });
    expect(get().settings.perceptualMode).toBe('auto');
    await get().keepLearned('My taste', { use: true });
    expect(get().calibrations.map(({ name }) => name)).toEqual(['My taste']);
    expect(get().settings).toMatchObject({ perceptualMode: 'calibrated', calibration: { id: 'k0', name: 'My taste' } });
    expect(nextVisit().settings.calibration).toEqual({ id: 'k0', name: 'My taste' });

    await get().deleteCalibration('k0');
    expect(get().calibrations).toEqual([]);
    expect(get().settings).toMatchObject({ perceptualMode: 'auto', calibration: null });
    expect(nextVisit().settings.perceptualMode).toBe('auto');
  });

  test('kept without being used, the words in use stay', async () => {
    const { get } = await ready();
    await get().startLearning([1, 5]);
    await get().keepLearned('Worse', { use: false });
    expect(get().calibrations).toHaveLength(1);
    expect(get().settings.perceptualMode).toBe('auto');
  });

  test('is cancelled without a problem', async () => {
    const { get } = await ready('slow.csv');
    const running = get().startLearning([1, 5]);
    expect(get().learning.state).toBe('running');
    get().cancelLearning();
    expect(get().learning).toMatchObject({ cancelling: true });
    await running;
    expect(get().learning).toEqual({ state: 'choosing', problem: null });
  });
});
