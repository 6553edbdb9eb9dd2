import { expect, test } from 'vitest';
import {
  formatDifference,
  formatMeasure,
  isNegativeOptimisation,
  measureChange,
  measureIds,
  measures,
  noMeasures,
} from './measures.ts';

test('every measure is described under its own id', () => {
  for (const id of measureIds) {
    expect(measures[id].id).toBe(id);
    expect(measures[id].note).toMatch(/[a-z].*\.$/);
    expect(noMeasures.values[id]).toBeNull();
  }
  expect(Object.keys(measures)).toEqual([...measureIds]);
});

test('a rise is good where higher is better, and bad where lower is', () => {
  expect(measureChange('quality', { before: 0.5, after: 0.6 })?.verdict).toBe('better');
  expect(measureChange('quality', { before: 0.6, after: 0.5 })?.verdict).toBe('worse');
  expect(measureChange('niqe', { before: 4, after: 5 })).toEqual({ difference: 1, verdict: 'worse' });
  expect(measureChange('brisque', { before: 40, after: 30 })?.verdict).toBe('better');
});

test('what moves less than the tolerance is the same', () => {
  expect(measureChange('quality', { before: 0.5, after: 0.496 })?.verdict).toBe('same');
  expect(measureChange('quality', { before: 0.5, after: 0.494 })?.verdict).toBe('worse');
  expect(measureChange('brisque', { before: 40, after: 40.4 })?.verdict).toBe('same');
  expect(measureChange('niqe', { before: 4, after: 4.06 })?.verdict).toBe('worse');
});

test('without a value, or between two images, there is no change', () => {
  expect(measureChange('quality', { before: null, after: 0.5 })).toBeNull();
  expect(measureChange('clipScore', { before: 0.5, after: null })).toBeNull();
  expect(measureChange('psnr', { before: 30, after: 20 })).toBeNull();
});

test('a negative optimisation is a score below the input’s', () => {
  expect(isNegativeOptimisation('match', { before: 0.7, after: 0.6 })).toBe(true);
  expect(isNegativeOptimisation('match', { before: 0.7, after: 0.699 })).toBe(false);
  expect(isNegativeOptimisation('niqe', { before: 4, after: 3 })).toBe(false);
  expect(isNegativeOptimisation('niqe', { before: 3, after: 4 })).toBe(true);
  expect(isNegativeOptimisation('match', { before: null, after: 0.1 })).toBe(false);
});

test('numbers are written as they are shown', () => {
  expect(formatMeasure('quality', 0.714)).toBe('71');
  expect(formatMeasure('psnr', 32.06)).toBe('32.1 dB');
  expect(formatMeasure('brisque', -0.04)).toBe('0.0');
  expect(formatMeasure('brisque', -2.5)).toBe('−2.5');
  expect(formatMeasure('ssim', null)).toBe('–');
  expect(formatDifference('quality', 0.031)).toBe('+3');
  expect(formatDifference('niqe', -0.214)).toBe('−0.21');
  expect(formatDifference('quality', 0.001)).toBe('0');
});
