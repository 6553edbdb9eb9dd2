import { expect, test } from 'vitest';
import { bytes, defaultPrecision, duration, machineWords, percent, phraseFound, timeLeft } from './words.ts';

test('bytes are told in the unit a person would say', () => {
  expect([0, 999, 1000, 1_500_000, 99_400_000, 302_400_000, 4_294_967_296].map(bytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '1.5 MB',
    '99.4 MB',
    '302 MB',
    '4.3 GB',
  ]);
  expect(bytes(999_700)).toBe('1.0 MB');
});

test('scores are whole numbers to 100, and nothing measured is a dash', () => {
  expect([0, 0.005, 0.994, 1, null, Number.NaN].map(percent)).toEqual(['0', '1', '99', '100', '–', '–']);
});

test('of a phrase it is told what became of it, and what is there instead, where that is known', () => {
  expect(phraseFound({ status: 'missing' })).toBe('missing');
  expect(phraseFound({ status: 'wrongAttribute' })).toBe('wrong attribute');
  const blue = { status: 'wrongAttribute', looksLike: 'blue cube' } as const;
  expect(phraseFound(blue)).toBe('wrong attribute: looks like “blue cube”');
});

test('durations', () => {
  expect([200, 8_400, 89_000, 90_000, 300_000].map(duration)).toEqual(['1 s', '8 s', '89 s', '2 min', '5 min']);
});

test('time left is told from measured speed, never guessed', () => {
  expect(timeLeft({ done: 25, total: 100, elapsed: 4000 })).toBe(12_000);
  expect(timeLeft({ done: 25, total: 100, elapsed: 900 })).toBeNull();
  expect(timeLeft({ done: 0, total: 100, elapsed: 9000 })).toBeNull();
  expect(timeLeft({ done: 0, total: 0, elapsed: 9000 })).toBeNull();
});

test('half precision is suggested where it runs', () => {
  expect([defaultPrecision('webgpu-fp16'), defaultPrecision('webgpu-fp32'), defaultPrecision('wasm')]).toEqual([
    'fp16',
    'fp32',
    'fp32',
  ]);
  expect(defaultPrecision('wasm', 7e9)).toBe('q8');
  expect(defaultPrecision('webgpu-fp16', 7e9)).toBe('fp16');
});

test('an engine that failed asks for attention', () => {
  expect(machineWords({ state: 'starting' }).attention).toBe(false);
  expect(machineWords({ state: 'failed', problem: { name: 'Error', message: '', during: 'start' } }).attention).toBe(
    true,
  );
});
