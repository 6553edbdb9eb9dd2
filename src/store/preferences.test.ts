import { expect, test } from 'vitest';
import { DEFAULT_PREFERENCES, readPreferences, writePreferences } from './preferences.ts';

const storage = (text: string | null) => ({ getItem: () => text });

test('what was written is read again', () => {
  let kept = '';
  const preferences = {
    overlay: 'mask',
    opacity: 0.3,
    scale: 'relative',
    tier: 'wasm',
    packIds: { maps: 'm', inpainting: 'i', restoration: null },
    view: 'difference',
    refine: { variants: 4 },
    saveFormat: 'webp',
    saveQuality: 0.8,
    memoryBudget: 2e9,
    hubEndpoint: 'https://mirror.example/hub',
    hubToken: 'hf_x',
    hasDeclinedBlocks: true,
    measuresOpen: true,
    unfinishedBundles: ['sdxl'],
    calibration: { id: 'c', name: 'mine' },
    batchId: 'b',
  } as const;
  writePreferences({ setItem: (_, value) => (kept = value) }, preferences);
  expect(readPreferences(storage(kept))).toEqual(preferences);
});

test('the one pack of an earlier version is the one for the maps', () => {
  expect(readPreferences(storage('{"packId":"p"}')).packIds).toEqual({
    maps: 'p',
    inpainting: null,
    restoration: null,
  });
});

test.each([
  null,
  '',
  '{',
  'null',
  '[]',
  '{"overlay":"all","opacity":7,"scale":1,"tier":"quantum","packId":4,"packIds":"x","view":5,"refine":null,"saveFormat":"bmp","saveQuality":-1,"memoryBudget":"all","hubEndpoint":7,"hubToken":"","unfinishedBundles":{}}',
])('damaged preferences %j are as on a first visit', (text) =>
  expect(readPreferences(storage(text))).toEqual(DEFAULT_PREFERENCES),
);

test('forbidden storage is no error', () => {
  const forbidden = {
    getItem: (): string => {
      throw new DOMException('no', 'SecurityError');
    },
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError');
    },
  };
  expect(readPreferences(forbidden)).toEqual(DEFAULT_PREFERENCES);
  expect(() => writePreferences(forbidden, DEFAULT_PREFERENCES)).not.toThrow();
});
