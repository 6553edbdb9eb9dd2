import { expect, test } from 'vitest';
import { type StrategyDescription, type StrategyId, strategyDescriptions } from '../pipeline/strategy.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import { type ReadinessInput, refineReadiness } from './refineReadiness.ts';

const all: ReadinessInput = {
  image: { isOpen: true, hasFailed: false },
  engine: 'ready',
  packsKnown: true,
  isInstalling: false,
  areToysComing: false,
  packInUse: { maps: 'm', inpainting: 'i', restoration: 'r' },
  settings: defaultRefineSettings,
  strategy: strategyOf('gRefine'),
  hasMask: false,
  hasPrompt: true,
};

function strategyOf(id: StrategyId): StrategyDescription {
  return strategyDescriptions.find((one) => one.id === id) as StrategyDescription;
}

test('with all models it repaints and restores', () => {
  expect(refineReadiness(all)).toEqual({ isReady: true, inpaints: true, restores: true, skipped: null });
});

test('it works with one of the two and says what is left out', () => {
  const noRestoration = refineReadiness({ ...all, packInUse: { ...all.packInUse, restoration: null } });
  expect(noRestoration).toMatchObject({ isReady: true, inpaints: true, restores: false });
  expect(noRestoration.isReady && noRestoration.skipped).toContain('PASD');
  const noInpainting = refineReadiness({ ...all, packInUse: { ...all.packInUse, inpainting: null } });
  expect(noInpainting).toMatchObject({ isReady: true, inpaints: false, restores: true });
  expect(noInpainting.isReady && noInpainting.skipped).toContain('inpainting');
});

test('what was switched off on purpose is not told as left out', () => {
  const settings = { ...defaultRefineSettings, stage2: { ...defaultRefineSettings.stage2, enabled: false } };
  const packInUse = { ...all.packInUse, restoration: null };
  expect(refineReadiness({ ...all, settings, packInUse })).toMatchObject({ isReady: true, skipped: null });
});

test.each<[string, Partial<ReadinessInput>, string, string | null]>([
  ['opening', { image: { isOpen: false, hasFailed: false } }, 'being opened', null],
  ['unreadable', { image: { isOpen: false, hasFailed: true } }, 'could not be opened', null],
  ['starting', { engine: 'starting' }, 'getting ready', null],
  ['failed', { engine: 'failed' }, 'not running', 'showMachine'],
  ['unread packs', { packsKnown: false }, 'being read', null],
  ['no maps', { packInUse: { ...all.packInUse, maps: null } }, 'CLIP', 'getModels'],
  ['none', { packInUse: { maps: null, inpainting: null, restoration: null } }, 'one that repairs', 'getModels'],
  ['no repair', { packInUse: { maps: 'm', inpainting: null, restoration: null } }, 'model that repairs', 'getModels'],
  [
    'being added',
    { isInstalling: true, packInUse: { maps: 'm', inpainting: null, restoration: null } },
    'being added right now',
    null,
  ],
  ['no PASD yet', { areToysComing: true, packInUse: { ...all.packInUse, restoration: null } }, 'getting ready', null],
  ['no maps yet', { areToysComing: true, packInUse: { ...all.packInUse, maps: null } }, 'come with the app', null],
  [
    'no inpainting yet',
    {
      areToysComing: true,
      strategy: strategyOf('imageToImage'),
      packInUse: { ...all.packInUse, inpainting: null },
    },
    'come with the app',
    null,
  ],
  ['no mask', { strategy: strategyOf('inpaintingByHand') }, 'Paint over', null],
  ['no prompt', { strategy: strategyOf('reconstruction'), hasPrompt: false }, 'Reconstruction needs a prompt', null],
  [
    'no PASD',
    { strategy: strategyOf('restoration'), packInUse: { ...all.packInUse, restoration: null } },
    'PASD is needed',
    'getModels',
  ],
  [
    'no inpainting',
    { strategy: strategyOf('imageToImage'), packInUse: { ...all.packInUse, inpainting: null } },
    'inpainting model is needed',
    'getModels',
  ],
  [
    'switched off',
    {
      packInUse: { ...all.packInUse, restoration: null },
      settings: { ...defaultRefineSettings, stage1: { ...defaultRefineSettings.stage1, enabled: false } },
    },
    'switched off',
    'resetRefineSettings',
  ],
])('%s: not ready, with a reason and its remedy', (_, part, reason, remedy) => {
  const readiness = refineReadiness({ ...all, ...part });
  if (readiness.isReady) throw new Error('ready');
  expect(readiness.reason).toContain(reason);
  expect(readiness.remedy?.does ?? null).toBe(remedy);
});

test('models that are on their way are not waited for where others are there, or not wanted', () => {
  const ready = { isReady: true, skipped: null };
  expect(refineReadiness({ ...all, areToysComing: true })).toMatchObject(ready);
  const packInUse = { ...all.packInUse, restoration: null };
  const strategy = strategyOf('imageToImage');
  expect(refineReadiness({ ...all, areToysComing: true, packInUse, strategy })).toMatchObject(ready);
  const settings = { ...defaultRefineSettings, stage2: { ...defaultRefineSettings.stage2, enabled: false } };
  expect(refineReadiness({ ...all, areToysComing: true, packInUse, settings })).toMatchObject(ready);
});

test.each<[StrategyId, { inpaints: boolean; restores: boolean }]>([
  ['qRefine', { inpaints: true, restores: true }],
  ['inpaintingByHand', { inpaints: true, restores: false }],
  ['imageToImage', { inpaints: true, restores: false }],
  ['restoration', { inpaints: false, restores: true }],
  ['reconstruction', { inpaints: false, restores: true }],
  ['perceptualOnly', { inpaints: true, restores: false }],
  ['repaintOnly', { inpaints: true, restores: false }],
])('%s uses the models it is made of; only G-Refine and its parts heed the switches of the stages', (id, uses) => {
  const settings = { ...defaultRefineSettings, stage2: { ...defaultRefineSettings.stage2, enabled: false } };
  const readiness = refineReadiness({ ...all, settings, strategy: strategyOf(id), hasMask: true });
  expect(readiness).toEqual({ isReady: true, ...uses, skipped: null });
});
