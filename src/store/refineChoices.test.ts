import { expect, test } from 'vitest';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import { changedChoices, RANGES, type RefineChoices, rememberedChoices } from './refineChoices.ts';

const defaults: RefineChoices = { strategy: 'gRefine', settings: defaultRefineSettings, variants: 1, seed: null };

const remembered = (stored: unknown) => rememberedChoices(stored, { defaults, strategies: ['gRefine', 'qRefine'] });

test('what was changed is remembered and nothing else', () => {
  const choices: RefineChoices = {
    ...defaults,
    variants: 4,
    settings: { ...defaultRefineSettings, stage1: { ...defaultRefineSettings.stage1, sampler: 'euler', steps: 20 } },
  };
  const stored = changedChoices(choices, defaults);
  expect(stored).toEqual({ variants: 4, settings: { stage1: { sampler: 'euler', steps: 20 } } });
  expect(remembered(JSON.parse(JSON.stringify(stored)))).toEqual(choices);
  expect(changedChoices(defaults, defaults)).toEqual({});
});

test.each([
  null,
  [],
  'x',
  { strategy: 'imageToImage' },
  { strategy: 3 },
  { variants: 99, seed: -1, settings: 7 },
  { variants: 1.5, seed: 2 ** 40, settings: { stage1: null, stage2: [] } },
  { settings: { maskThreshold: '0.3', goodEnough: 7, stage1: { sampler: 'lms', steps: Number.NaN, enabled: 1 } } },
  { settings: { stage2: { mode: 'toString' }, negativePrompt: 'x'.repeat(5000), unknown: 1 } },
  JSON.parse('{"__proto__":{"variants":3},"settings":{"__proto__":{"maskThreshold":0.2}}}'),
])('damaged choices %j are as on a first visit', (stored) => expect(remembered(stored)).toEqual(defaults));

test('a strategy is remembered while it is offered', () => {
  expect(remembered({ strategy: 'qRefine' }).strategy).toBe('qRefine');
});

test('a strength range stays a range', () => {
  const { settings } = remembered({
    settings: { stage1: { largestStrength: 0.2 }, qRefine: { highFrom: 0.1, largestEnhancement: 0.07 } },
  });
  expect(settings.stage1).toMatchObject({ smallestStrength: 0.2, largestStrength: 0.2 });
  expect(settings.qRefine).toMatchObject({ lowBelow: 0.1, highFrom: 0.1, smallestEnhancement: 0.07 });
});

test('every default lies in its range', () => {
  for (const [path, { min, max }] of Object.entries(RANGES)) {
    const value = path
      .split('.')
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], defaultRefineSettings);
    expect(value, path).toBeGreaterThanOrEqual(min);
    expect(value, path).toBeLessThanOrEqual(max);
  }
});
