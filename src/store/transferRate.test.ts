import { expect, test } from 'vitest';
import { nextRate, startRate } from './transferRate.ts';

test('what was done before does not count', () => {
  const rate = nextRate(startRate(5_000_000, 1000), { bytes: 6_000_000, at: 2000 });
  expect(rate.bytesPerSecond).toBe(1_000_000);
});

test('a change of speed is followed smoothly: after one time constant by 63 %', () => {
  let rate = nextRate(startRate(0, 0), { bytes: 1_000_000, at: 1000 });
  for (let i = 1; i <= 8; i++) rate = nextRate(rate, { bytes: 1_000_000 + i * 1_500_000, at: 1000 + i * 500 });
  // From 1 MB/s towards 3 MB/s.
  expect(rate.bytesPerSecond).toBeCloseTo(1e6 + 2e6 * (1 - Math.exp(-1)), -2);
});

test('spans too short to measure wait for more', () => {
  const start = startRate(0, 0);
  expect(nextRate(start, { bytes: 9_000_000, at: 100 })).toBe(start);
  expect(nextRate(start, { bytes: 9_000_000, at: 1000 }).bytesPerSecond).toBe(9_000_000);
});

test('a count that falls starts anew and keeps the speed', () => {
  const rate = nextRate(startRate(0, 0), { bytes: 2_000_000, at: 1000 });
  const fallen = nextRate(rate, { bytes: 100, at: 1100 });
  expect(fallen).toEqual({ bytesPerSecond: 2_000_000, bytes: 100, at: 1100 });
});

test('nothing arriving brings the speed down', () => {
  const rate = nextRate(startRate(0, 0), { bytes: 2_000_000, at: 1000 });
  expect(nextRate(rate, { bytes: 2_000_000, at: 5000 }).bytesPerSecond).toBeCloseTo(2e6 * Math.exp(-1), -2);
});
