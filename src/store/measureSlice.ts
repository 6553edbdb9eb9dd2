import type { BeforeAndAfter, ComputedMeasures } from '../pipeline/imageMeasures.ts';
import type { RefineResult } from '../pipeline/refinement.ts';
import type { Slice } from './appStore.ts';
import { isAbort, type Problem, toProblem } from './problem.ts';

/** A picture to measure, and what it is measured against. */
export interface MeasureRequest {
  /** Of the strip; its measurements go with it. */
  readonly imageId: string;
  /** The picture: the image as dropped, or a result. */
  readonly file: File;
  readonly prompt: string;
  /** The picture before refining; null: this is one. */
  readonly input: File | null;
}

/** One picture's measurement: what was asked for, with which model, and what came of it. */
export interface Measurement extends MeasureRequest {
  /** The pack of maps it is measured with. */
  readonly packId: string | null;
  /** The size asked of the maps' model. */
  readonly imageSize: number | null;
  readonly state:
    | { readonly is: 'waiting' }
    | { readonly is: 'measuring'; readonly jobId: string }
    | { readonly is: 'done'; readonly values: ComputedMeasures }
    | { readonly is: 'failed'; readonly problem: Problem };
}

/** Measurements of pictures beyond their maps: made when somebody looks at them. */
export interface MeasureSlice {
  /** Newest last. */
  readonly measurements: readonly Measurement[];
  /** Whether the table of measures is open: then the picture in view is measured. */
  readonly measuresOpen: boolean;
  setMeasuresOpen(open: boolean): void;
  /** Measures a picture when nothing else is to be done, unless it is known already. */
  measure(request: MeasureRequest): void;
  /** Stops and forgets the measurements of an image. */
  forgetMeasurements(imageId: string): void;
  /** Starts the next waiting measurement. The lane must be free. */
  runNextMeasurement(): void;
}

/** Measurements kept: they are small, and a long session has many pictures. */
const KEPT = 200;

/** What {@link MeasureSlice.measure} made of a request, with the model and size in use; null: it was not asked for. */
export function measurementOf(
  state: Pick<MeasureSlice, 'measurements'> & MeasuredWith,
  request: Omit<MeasureRequest, 'imageId'>,
): Measurement | null {
  return state.measurements.find((known) => isSame(known, { ...request, ...measuredWith(state) })) ?? null;
}

/** What was measured of an original and of a result of it; null: not both were. */
export function measuredBetween(
  state: Pick<MeasureSlice, 'measurements'> & MeasuredWith,
  {
    original,
    file,
    results,
  }: { readonly original: File; readonly file: File; readonly results: readonly RefineResult[] },
): BeforeAndAfter | null {
  const [first, last] = [results[0], results.at(-1)];
  if (!first || !last) return null;
  const before = measurementOf(state, { file: original, prompt: first.before.prompt, input: null })?.state;
  const after = measurementOf(state, { file, prompt: last.after.prompt, input: original })?.state;
  return before?.is === 'done' && after?.is === 'done' ? { before: before.values, after: after.values } : null;
}

/** The part of the store that decides how a picture is measured. */
interface MeasuredWith {
  readonly packInUse: { readonly maps: string | null };
  readonly settings: { readonly imageSize: number | null };
}

function measuredWith({ packInUse, settings }: MeasuredWith): Pick<Measurement, 'packId' | 'imageSize'> {
  return { packId: packInUse.maps, imageSize: settings.imageSize };
}

type What = Omit<Measurement, 'imageId' | 'state'>;

function isSame(a: What, b: What): boolean {
  return (
    a.file === b.file &&
    a.input === b.input &&
    a.prompt === b.prompt &&
    a.packId === b.packId &&
    a.imageSize === b.imageSize
  );
}

/** The measurements' part of the store. */
export const createMeasureSlice: Slice<MeasureSlice> = (set, get, { workers, newId, lane, preferences, remember }) => {
  const change = (which: What, state: Measurement['state'] | null) => {
    const others = get().measurements;
    set({
      measurements: state
        ? others.map((known) => (isSame(known, which) ? { ...known, state } : known))
        : others.filter((known) => !isSame(known, which)),
    });
  };

  const run = async (measurement: Measurement) => {
    const { file, input, prompt, imageSize } = measurement;
    const jobId = newId();
    lane.busy = true;
    change(measurement, { is: 'measuring', jobId });
    try {
      const values = await workers.refine.measure({ jobId, file, input, prompt, imageSize });
      change(measurement, { is: 'done', values });
    } catch (error) {
      change(measurement, isAbort(error) ? null : { is: 'failed', problem: toProblem(error, 'analyse') });
    }
    lane.busy = false;
    get().runNext();
  };

  return {
    measurements: [],
    measuresOpen: preferences.measuresOpen,
    setMeasuresOpen: (measuresOpen) => {
      set({ measuresOpen });
      remember({ measuresOpen });
      if (measuresOpen) get().runNext();
    },
    measure: (request) => {
      const { imageId, file, prompt, input } = request;
      const measurement: Measurement = {
        imageId,
        file,
        prompt,
        input,
        ...measuredWith(get()),
        state: { is: 'waiting' },
      };
      const known = get().measurements.find((other) => isSame(other, measurement));
      if (known && known.state.is !== 'failed') return;
      const others = get().measurements.filter((other) => other !== known);
      set({ measurements: [...others.slice(1 - KEPT), measurement] });
      get().runNext();
    },
    forgetMeasurements: (imageId) => {
      const { measurements } = get();
      for (const { imageId: of, state } of measurements) {
        if (of === imageId && state.is === 'measuring') workers.refine.cancel(state.jobId).catch(() => {});
      }
      set({ measurements: measurements.filter((measurement) => measurement.imageId !== imageId) });
    },
    runNextMeasurement: () => {
      const { measurements, selectedId, engine, measuresOpen } = get();
      if (lane.busy || engine.state !== 'ready' || !measuresOpen) return;
      // The newest first: it is what is looked at now.
      const waiting = measurements.filter(({ state }) => state.is === 'waiting').reverse();
      const next = waiting.find(({ imageId }) => imageId === selectedId) ?? waiting[0];
      if (next) void run(next);
    },
  };
};
