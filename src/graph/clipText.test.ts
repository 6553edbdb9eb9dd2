import { describe, expect, it } from 'vitest';
import { endPosition, endRows } from './clipText.ts';

describe('endPosition', () => {
  it('is the first end token, where padding repeats it', () => {
    expect(endPosition([98, 5, 6, 99, 99, 99], 99)).toBe(3);
  });

  it('is the first highest id in legacy files, as argmax', () => {
    expect(endPosition([98, 5, 6, 99, 0, 0], null)).toBe(3);
    expect(endPosition([98, 5, 99, 99], null)).toBe(2);
  });

  it('rejects a text without end', () => {
    expect(() => endPosition([98, 5], 99)).toThrow(RangeError);
    expect(() => endPosition([], null)).toThrow(RangeError);
  });
});

describe('endRows', () => {
  it('counts through all tokens of the texts before', () => {
    expect([...endRows([3, 1, 2], 10)]).toEqual([3, 11, 22]);
  });
});
