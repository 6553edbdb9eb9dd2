import { expect, test } from 'vitest';
import { strategyDescriptions } from '../pipeline/strategy.ts';
import type { AppState, SliceEnvironment } from './appStore.ts';
import { createHandMaskSlice, handMaskOf, isDrawing, maskedShare } from './handMaskSlice.ts';

function setUp() {
  let state = {} as AppState;
  const set = (part: Partial<AppState>) => {
    state = { ...state, ...part };
  };
  set(createHandMaskSlice(set, () => state, {} as SliceEnvironment));
  return () => state;
}

const mask = { width: 2, height: 2, values: Uint8Array.of(255, 0, 51, 0) };

test('every image has its mask; an empty one is none', () => {
  const get = setUp();
  get().setHandMask('a', mask);
  expect(handMaskOf(get(), 'a')).toBe(mask);
  expect(handMaskOf(get(), 'b')).toBeNull();
  expect(handMaskOf(get(), 'toString')).toBeNull();
  get().setHandMask('a', { ...mask, values: new Uint8Array(4) });
  expect(get().handMasks).toEqual({});
});

test('the share of the picture that is masked, soft edges by half', () => {
  expect(maskedShare(mask)).toBeCloseTo(0.3, 9);
});

test('the brush keeps within its sizes', () => {
  const get = setUp();
  get().setBrush({ tool: 'erase', size: 7 });
  expect(get().brush).toEqual({ tool: 'erase', size: 0.4 });
  get().setBrush({ size: 0 });
  expect(get().brush).toEqual({ tool: 'erase', size: 0.01 });
});

test('one draws where the strategy asks for a mask', () => {
  const of = (strategy: AppState['refineChoices']['strategy']) =>
    isDrawing({ refineChoices: { strategy }, refineStrategies: strategyDescriptions } as unknown as AppState);
  expect(strategyDescriptions.map(({ id }) => id).filter(of)).toEqual(['inpaintingByHand']);
});
