import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { type StrategyId, strategyDescriptions } from '../pipeline/strategy.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import type { AppState } from '../store/appStore.ts';
import { StoreContext } from './StoreContext.tsx';
import { StrategyChoice } from './StrategyChoice.tsx';
import { StrategySettings } from './StrategySettings.tsx';

function drawn(strategy: StrategyId, component: () => React.JSX.Element | undefined): string {
  const refineChoices = { strategy, settings: defaultRefineSettings, variants: 1, seed: null };
  const state = { refineChoices, refineStrategies: strategyDescriptions } as unknown as AppState;
  const store = createStore(() => state);
  return renderToStaticMarkup(createElement(StoreContext, { value: store }, createElement(component)));
}

/** Names of all settings, in their order. */
const labels = (strategy: StrategyId) =>
  [...drawn(strategy, StrategySettings).matchAll(/<(?:label for="[^"]*"|span)>([A-Z][^<]*)</g)].map(
    ([, label]) => label,
  );

test('every strategy offers what it heeds and nothing else', () => {
  expect(labels('gRefine')).toEqual(expect.arrayContaining(['Bad from', 'Allowed loss', 'Reach', 'Fidelity']));
  expect(labels('repaintOnly')).not.toContain('Fidelity');
  expect(labels('inpaintingByHand')).toEqual([
    'Strength',
    'Steps',
    'Guidance',
    'Sampler',
    'Surroundings',
    'Negative prompt',
  ]);
  expect(labels('imageToImage')).toEqual(['Strength', 'Steps', 'Guidance', 'Sampler', 'Negative prompt']);
  expect(labels('restoration')).toEqual(['Steps', 'Guidance', 'Sampler', 'Fidelity', 'Tile']);
  expect(labels('qRefine')).toEqual(expect.arrayContaining(['Thresholds', 'Parts a side', 'Noise', 'Fidelity']));
  expect(labels('qRefine')).not.toContain('Bad from');
});

test.each(strategyDescriptions)('$title is offered with when to choose it', ({ id, title, whenToChoose }) => {
  const html = drawn(id, StrategyChoice);
  expect(html).toContain(`<option value="${id}" selected="">${title}</option>`);
  expect(html).toContain(whenToChoose);
});
