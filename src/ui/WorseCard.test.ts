import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { StrategyId } from '../pipeline/strategy.ts';
import type { AppState } from '../store/appStore.ts';
import type { Comparison } from './comparison.ts';
import { StoreContext } from './StoreContext.tsx';
import { WorseCard } from './WorseCard.tsx';

/** What the card says of a result with these scores. */
function said(strategy: StrategyId, [before, after]: readonly [number, number]): string {
  const analysis = (score: number) => ({ perceptual: { score }, alignment: null });
  const comparison = {
    result: { strategy, before: analysis(before), after: analysis(after) },
    refinement: { id: 'r' },
  } as unknown as Comparison;
  const store = createStore(() => ({}) as AppState);
  return renderToStaticMarkup(
    createElement(StoreContext, { value: store }, createElement(WorseCard, { imageId: 'a', comparison })),
  ).replaceAll(/<[^>]*>/g, ' ');
}

test('a result that is no worse needs no words', () => {
  expect(said('imageToImage', [0.6, 0.6])).toBe('');
  expect(said('imageToImage', [0.6, 0.7])).toBe('');
});

test('one that is worse is called so, with its scores, and can be discarded', () => {
  const text = said('imageToImage', [0.61, 0.55]);
  expect(text).toContain('This made the picture worse');
  expect(text).toContain('Quality fell from 61 to 55 of 100.');
  expect(text).toContain('Image-to-image keeps what it makes');
  expect(text).toContain('Discard this result');
});

test('a fall too small for whole numbers is told in finer ones', () => {
  const text = said('perceptualOnly', [0.6149, 0.6101]);
  expect(text).toContain('slightly worse');
  expect(text).toContain('from 61.49 to 61.01');
  expect(text).toContain('looks at a part of it only');
});
