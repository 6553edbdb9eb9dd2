import { describe, expect, test } from 'vitest';
import type { MeasureImageJob } from '../bridge/protocol.ts';
import { abortError } from '../errors.ts';
import type { ComputedMeasures } from '../pipeline/imageMeasures.ts';
import type { AppState, SliceEnvironment } from './appStore.ts';
import { createMeasureSlice, type MeasureSlice, measuredBetween, measurementOf } from './measureSlice.ts';
import { DEFAULT_PREFERENCES } from './preferences.ts';

const values: ComputedMeasures = { clipIqa: 0.5, clipScore: null, niqe: 4, brisque: 30, ssim: null, psnr: null };

function setUp() {
  const asked: MeasureImageJob[] = [];
  const ends: ((outcome: ComputedMeasures | Error) => void)[] = [];
  const cancelled: string[] = [];
  const lane = { busy: false };
  let id = 0;
  let state = {
    packInUse: { maps: 'clip' },
    settings: { imageSize: null },
    engine: { state: 'ready' },
    selectedId: 'a',
  } as unknown as AppState;
  const environment = {
    lane,
    newId: () => `job ${++id}`,
    preferences: DEFAULT_PREFERENCES,
    remember: () => {},
    workers: {
      refine: {
        measure: (job: MeasureImageJob) => {
          asked.push(job);
          return new Promise((resolve, reject) => {
            ends.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
          });
        },
        cancel: async (jobId: string) => {
          cancelled.push(jobId);
        },
      },
    },
  } as unknown as SliceEnvironment;
  const set = (part: Partial<AppState>) => {
    state = { ...state, ...part };
  };
  const slice: MeasureSlice = createMeasureSlice(set, () => state, environment);
  set({ ...slice, runNext: () => state.runNextMeasurement() });
  state.setMeasuresOpen(true);
  const end = async (outcome: ComputedMeasures | Error) => {
    ends.shift()?.(outcome);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { get: () => state, set, asked, cancelled, lane, end };
}

const file = (name: string) => new File([name], name);
const request = (name: string, imageId = 'a') => ({ imageId, file: file(name), prompt: 'dog', input: null });

describe('a picture is measured', () => {
  test('once for each model, size, prompt and input, one after another', async () => {
    const { get, set, asked, lane, end } = setUp();
    const first = request('a.png');
    get().measure(first);
    get().measure(first);
    get().measure({ ...first, prompt: 'cat' });
    expect(asked).toHaveLength(1);
    expect(lane.busy).toBe(true);
    await end(values);
    expect(measurementOf(get(), first)?.state).toEqual({ is: 'done', values });
    expect(asked.map(({ prompt }) => prompt)).toEqual(['dog', 'cat']);
    await end(values);
    expect(lane.busy).toBe(false);
    set({ settings: { ...get().settings, imageSize: 448 } });
    expect(measurementOf(get(), first)).toBeNull();
  });

  test('only while the table is open', async () => {
    const { get, asked } = setUp();
    get().setMeasuresOpen(false);
    get().measure(request('a.png'));
    expect(asked).toHaveLength(0);
    get().setMeasuresOpen(true);
    expect(asked).toHaveLength(1);
  });

  test('again where it failed and is asked for again', async () => {
    const { get, asked, end } = setUp();
    const one = request('a.png');
    get().measure(one);
    await end(new Error('out of luck'));
    expect(measurementOf(get(), one)?.state).toMatchObject({ is: 'failed', problem: { message: 'out of luck' } });
    get().measure(one);
    expect(asked).toHaveLength(2);
  });

  test('no longer than its image is there', async () => {
    const { get, cancelled, end } = setUp();
    get().measure(request('a.png'));
    get().measure(request('b.png', 'b'));
    get().forgetMeasurements('a');
    expect(cancelled).toEqual(['job 1']);
    await end(abortError());
    expect(get().measurements.map(({ imageId }) => imageId)).toEqual(['b']);
  });
});

test('what is saved of a result are its measures and those of the original', async () => {
  const { get, end } = setUp();
  const [original, result] = [file('a.png'), file('b.png')];
  const results = [{ before: { prompt: 'dog' }, after: { prompt: 'dog' } }] as unknown as Parameters<
    typeof measuredBetween
  >[1]['results'];
  get().measure({ imageId: 'a', file: original, prompt: 'dog', input: null });
  await end(values);
  expect(measuredBetween(get(), { original, file: result, results })).toBeNull();
  get().measure({ imageId: 'a', file: result, prompt: 'dog', input: original });
  await end({ ...values, niqe: 5 });
  expect(measuredBetween(get(), { original, file: result, results })).toEqual({
    before: values,
    after: { ...values, niqe: 5 },
  });
});
