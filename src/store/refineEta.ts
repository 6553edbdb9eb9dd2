import type { RefineStage } from '../pipeline/refinement.ts';

/**
 * Time left of a refinement from the speed measured while it runs. Pure: what was observed goes in, a new state comes out.
 *
 * What was never measured is not guessed: until a whole seed has been seen, in this job or in one alike before it, only the
 * stage at work is told.
 */
export interface RefineEta {
  readonly seedCount: number;
  /** What one seed takes, from an earlier job alike or an earlier seed of this one. */
  readonly profile: SeedProfile | null;
  readonly seedIndex: number;
  /** Finished stages of the seed at work, in order. */
  readonly finished: readonly FinishedStage[];
  readonly visit: Visit | null;
  /** Loading goes on since then; it is no part of a step. */
  readonly loadingSince: number | null;
  /** What is told: smoothed, as of the latest step. */
  readonly shown: Shown | null;
}

interface Shown {
  readonly milliseconds: number;
  readonly of: 'stage' | 'job';
  readonly at: number;
  /** Most that is counted down until the next step: a step that takes longer holds the clock instead of using it up. */
  readonly step: number;
}

/** A stage that is through. */
export interface FinishedStage {
  readonly stage: RefineStage;
  readonly milliseconds: number;
  /** Of one step; null where it had too few to measure. */
  readonly stepMilliseconds: number | null;
}

/** The stages of one seed, in order, without the measuring that comes once for all of them. */
export type SeedProfile = readonly FinishedStage[];

/** The stage at work. */
interface Visit {
  readonly stage: RefineStage;
  readonly startedAt: number;
  readonly done: number;
  readonly total: number;
  /** When `done` last changed. */
  readonly changedAt: number;
  /** Milliseconds of the latest steps, newest last. */
  readonly steps: readonly number[];
  /** False before the first step, and before one that a model is loaded in: they take longer and are not measured. */
  readonly isWarm: boolean;
}

/** How many steps the speed is measured over. */
const WINDOW = 8;
/** How far what is told moves towards a new estimate at each step, 0..1: a single slow step hardly shows. */
const FOLLOW = 0.25;

/** Time left in milliseconds, of the whole job or only of the stage at work. */
export interface TimeLeft {
  readonly milliseconds: number;
  readonly of: 'stage' | 'job';
}

/** Before anything is observed. */
export function startEta(seedCount: number, profile: SeedProfile | null): RefineEta {
  return { seedCount, profile, seedIndex: 0, finished: [], visit: null, loadingSince: null, shown: null };
}

/** A model is being loaded. */
export function observeLoading(eta: RefineEta, at: number): RefineEta {
  return eta.loadingSince === null ? { ...eta, loadingSince: at } : eta;
}

/** A step was told. `at` in milliseconds of a clock that never jumps. */
export function observeStep(
  before: RefineEta,
  {
    at,
    stage,
    done,
    total,
    seedIndex,
  }: { at: number; stage: RefineStage; done: number; total: number; seedIndex: number },
): RefineEta {
  const eta = afterLoading(before, at);
  const { visit } = eta;
  let next: RefineEta;
  if (visit && visit.stage === stage && eta.seedIndex === seedIndex && done >= visit.done) {
    next = { ...eta, visit: advanced(visit, { at, done, total }) };
  } else {
    const closed = visit ? [...eta.finished, finishedStage(visit, at)] : eta.finished;
    const started: Visit = { stage, startedAt: at, done, total, changedAt: at, steps: [], isWarm: false };
    next =
      eta.seedIndex === seedIndex
        ? { ...eta, finished: closed, visit: started }
        : { ...eta, seedIndex, profile: profileOf(closed), finished: [], visit: started };
  }
  return { ...next, shown: smoothed(eta, next, at) };
}

/** What one seed took, for the next job alike; null if no seed came to its end. */
export function profileAtEnd(eta: RefineEta, at: number): SeedProfile | null {
  const { visit, finished } = afterLoading(eta, at);
  return visit ? profileOf([...finished, finishedStage(visit, at)]) : eta.profile;
}

/** Time left now; null while there is nothing to tell it from. Never below a second: what is late is about to come. */
export function timeLeftAt({ shown, loadingSince }: RefineEta, at: number): TimeLeft | null {
  return shown && { milliseconds: Math.max(1000, countedDown(shown, loadingSince ?? at)), of: shown.of };
}

const countedDown = (shown: Shown, at: number): number => shown.milliseconds - Math.min(at - shown.at, shown.step);

/** The time of loading is taken out of all that is being measured. */
function afterLoading(eta: RefineEta, at: number): RefineEta {
  const { loadingSince, visit, shown } = eta;
  if (loadingSince === null) return eta;
  const pause = at - loadingSince;
  return {
    ...eta,
    loadingSince: null,
    visit: visit && { ...visit, startedAt: visit.startedAt + pause, changedAt: at, isWarm: false },
    shown: shown && { ...shown, at: shown.at + pause },
  };
}

function advanced(visit: Visit, { at, done, total }: { at: number; done: number; total: number }): Visit {
  const steps = done - visit.done;
  if (steps === 0) return { ...visit, total };
  const measured = Array.from({ length: Math.min(steps, WINDOW) }, () => (at - visit.changedAt) / steps);
  return {
    ...visit,
    done,
    total,
    changedAt: at,
    steps: visit.isWarm ? [...visit.steps, ...measured].slice(-WINDOW) : visit.steps,
    isWarm: true,
  };
}

function finishedStage(visit: Visit, at: number): FinishedStage {
  return { stage: visit.stage, milliseconds: at - visit.startedAt, stepMilliseconds: stepTime(visit) };
}

/** Measuring the picture comes once, whatever the number of seeds. */
const profileOf = (stages: readonly FinishedStage[]): SeedProfile => stages.filter(({ stage }) => stage !== 'analyse');

/** The middle of the latest steps: one slow step says nothing about the rest. */
function stepTime({ steps }: Visit): number | null {
  if (steps.length < 2) return null;
  const sorted = [...steps].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function smoothed(before: RefineEta, after: RefineEta, at: number): Shown | null {
  const raw = estimate(after);
  const { shown } = before;
  const isSameStage = before.visit?.stage === after.visit?.stage;
  if (!raw) return isSameStage || shown?.of === 'job' ? shown : null;
  const next = { of: raw.of, at, step: raw.step };
  if (shown?.of !== raw.of || (raw.of === 'stage' && !isSameStage)) return { ...next, milliseconds: raw.milliseconds };
  const expected = countedDown(shown, at);
  return { ...next, milliseconds: expected + FOLLOW * (raw.milliseconds - expected) };
}

/** Time left right after a step. */
function estimate({
  visit,
  profile,
  finished,
  seedIndex,
  seedCount,
}: RefineEta): (TimeLeft & { readonly step: number }) | null {
  if (!visit) return null;
  const passed = profileOf(finished).length;
  const planned = visit.stage === 'analyse' ? undefined : profile?.[passed];
  const isAsPlanned = planned?.stage === visit.stage;
  const step = stepTime(visit) ?? (isAsPlanned ? planned.stepMilliseconds : null);
  const left = visit.total - visit.done;
  const ofStage =
    step !== null
      ? step * left
      : isAsPlanned
        ? planned.milliseconds * (left / Math.max(1, visit.total))
        : left === 0
          ? 0
          : null;
  if (profile && (isAsPlanned || visit.stage === 'analyse')) {
    const later = profile.slice(visit.stage === 'analyse' ? 0 : passed + 1);
    const seed = sum(profile);
    return {
      milliseconds: (ofStage ?? 0) + sum(later) + (seedCount - seedIndex - 1) * seed,
      of: 'job',
      step: step ?? (isAsPlanned ? planned.milliseconds / Math.max(1, visit.total) : 0),
    };
  }
  // A stage of one step is over before its time is known.
  return ofStage === null || visit.total < 3 ? null : { milliseconds: ofStage, of: 'stage', step: step ?? 0 };
}

const sum = (stages: SeedProfile): number => stages.reduce((total, { milliseconds }) => total + milliseconds, 0);
