import { expect, test } from 'vitest';
import type { RefineStage } from '../pipeline/refinement.ts';
import {
  observeLoading,
  observeStep,
  profileAtEnd,
  type RefineEta,
  type SeedProfile,
  startEta,
  timeLeftAt,
} from './refineEta.ts';

/** Runs stages with given milliseconds per step and notes what is told after every step. */
function run(
  eta: RefineEta,
  stages: readonly { stage: RefineStage; steps: readonly number[]; seedIndex?: number }[],
  start = 0,
) {
  const told: ({ milliseconds: number; of: string } | null)[] = [];
  let at = start;
  for (const { stage, steps, seedIndex = 0 } of stages) {
    eta = observeStep(eta, { at, stage, done: 0, total: steps.length, seedIndex });
    steps.forEach((milliseconds, i) => {
      at += milliseconds;
      eta = observeStep(eta, { at, stage, done: i + 1, total: steps.length, seedIndex });
      told.push(timeLeftAt(eta, at));
    });
  }
  return { eta, at, told };
}
const even = (count: number, milliseconds: number) => Array.from({ length: count }, () => milliseconds);

test('an even speed is told exactly, of the stage alone while nothing is known of the rest', () => {
  const { told } = run(startEta(1, null), [{ stage: 'inpaint', steps: even(10, 2000) }]);
  expect(told[0]).toBeNull();
  expect(told[1]).toBeNull();
  expect(told[2]).toEqual({ milliseconds: 14_000, of: 'stage' });
  expect(told[8]).toEqual({ milliseconds: 2000, of: 'stage' });
});

test('the first step, which also loads and compiles, does not count', () => {
  const { told } = run(startEta(1, null), [{ stage: 'inpaint', steps: [60_000, ...even(9, 1000)] }]);
  expect(told[3]?.milliseconds).toBe(6000);
});

test('one slow step hardly shows; a lasting change is followed', () => {
  const hiccup = [...even(8, 1000), 8000, ...even(11, 1000)];
  const { told } = run(startEta(1, null), [{ stage: 'inpaint', steps: hiccup }]);
  const before = told[7]?.milliseconds ?? 0;
  const after = told[8]?.milliseconds ?? 0;
  expect(before).toBe(12_000);
  expect(after).toBe(11_000);
  const slower = run(startEta(1, null), [{ stage: 'restore', steps: [...even(10, 1000), ...even(40, 3000)] }]);
  expect(slower.told[39]?.milliseconds).toBeGreaterThan(25_000);
  expect(slower.told[39]?.milliseconds).toBeLessThan(34_000);
});

test('noise of ±40 % never makes it jump by more than a fifth', () => {
  // A fixed sequence that looks random.
  const steps = Array.from({ length: 60 }, (_, i) => 1000 * (1 + 0.4 * Math.sin(i * 12.9898)));
  const { told } = run(startEta(1, null), [{ stage: 'inpaint', steps }]);
  for (let i = 8; i < 50; i++) {
    const [a, b] = [told[i - 1]?.milliseconds ?? 0, told[i]?.milliseconds ?? 0];
    expect(Math.abs(b + (steps[i] ?? 0) - a) / a).toBeLessThan(0.2);
  }
});

test('after the first seed the whole job is told', () => {
  const seed = (seedIndex: number) => [
    { stage: 'inpaint' as const, steps: even(10, 1000), seedIndex },
    { stage: 'restore' as const, steps: even(10, 500), seedIndex },
  ];
  const { told } = run(startEta(3, null), [
    { stage: 'analyse', steps: even(4, 100) },
    ...seed(0),
    ...seed(1),
    ...seed(2),
  ]);
  expect(told[4 + 12]?.of).toBe('stage');
  // Five steps into the second seed: 5 s of it, its 5 s of restoring, and 15 s of the third.
  expect(told[4 + 20 + 4]).toEqual({ milliseconds: 25_000, of: 'job' });
  expect(told[4 + 40 + 19]?.milliseconds).toBe(1000);
});

test('a job like one before is told as a whole from its first step', () => {
  const first = run(startEta(1, null), [
    { stage: 'inpaint', steps: even(10, 1000) },
    { stage: 'analyseAgain', steps: [200] },
    { stage: 'restore', steps: even(10, 500) },
    { stage: 'analyseAgain', steps: [200] },
  ]);
  const profile = profileAtEnd(first.eta, first.at) as SeedProfile;
  expect(profile.map(({ stage }) => stage)).toEqual(['inpaint', 'analyseAgain', 'restore', 'analyseAgain']);
  const second = run(startEta(2, profile), [{ stage: 'inpaint', steps: even(10, 1000) }]);
  // 9 s of this stage, 5.4 s of the later ones, 15.4 s of the second seed.
  expect(second.told[0]).toEqual({ milliseconds: 9000 + 5400 + 15_400, of: 'job' });
  for (const { of } of second.told as { of: string }[]) expect(of).toBe('job');
});

test('a job that takes another way than the one before falls back to the stage', () => {
  const profile: SeedProfile = [{ stage: 'inpaint', milliseconds: 10_000, stepMilliseconds: 1000 }];
  const { told } = run(startEta(1, profile), [{ stage: 'restore', steps: even(10, 1000) }]);
  expect(told[4]).toEqual({ milliseconds: 5000, of: 'stage' });
});

test('loading is no part of a step, and holds the clock', () => {
  const half = run(startEta(1, null), [{ stage: 'inpaint', steps: even(5, 1000) }]);
  let eta = observeStep(half.eta, { at: half.at, stage: 'inpaint', done: 5, total: 10, seedIndex: 0 });
  const before = timeLeftAt(eta, half.at);
  eta = observeLoading(eta, half.at);
  eta = observeLoading(eta, half.at + 3000);
  expect(timeLeftAt(eta, half.at + 30_000)).toEqual(before);
  eta = observeStep(eta, { at: half.at + 31_000, stage: 'inpaint', done: 6, total: 10, seedIndex: 0 });
  expect(eta.visit?.steps.every((milliseconds) => milliseconds === 1000)).toBe(true);
});

test('between steps it counts down, by one step at most', () => {
  const { eta, at } = run(startEta(1, null), [{ stage: 'inpaint', steps: even(5, 4000) }]);
  expect(eta.visit?.done).toBe(5);
  const going = run(startEta(1, null), [{ stage: 'inpaint', steps: even(3, 4000) }]);
  const open = observeStep(going.eta, { at: going.at, stage: 'inpaint', done: 3, total: 9, seedIndex: 0 });
  const left = timeLeftAt(open, going.at)?.milliseconds ?? 0;
  expect(timeLeftAt(open, going.at + 1500)?.milliseconds).toBe(left - 1500);
  // One step's worth and no more: the rest is still to be done.
  expect(timeLeftAt(open, going.at + 60_000)?.milliseconds).toBe(left - 4000);
  expect(timeLeftAt(eta, at)?.milliseconds).toBe(1000);
});
