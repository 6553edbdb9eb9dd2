import { expect, test } from 'vitest';
import { DEFAULT_PREFERENCES, readPreferences, writePreferences } from './preferences.ts';

const storage = (text: string | null) => ({ getItem: () => text });

test('what was written is read again', () => {
  let kept = '';
  const preferences = { overlay: 'mask', opacity: 0.3, scale: 'relative', tier: 'wasm', packId: 'p' } as const;
  writePreferences({ setItem: (_, value) => (kept = value) }, preferences);
  expect(readPreferences(storage(kept))).toEqual(preferences);
});

test.each([null, '', '{', 'null', '[]', '{"overlay":"all","opacity":7,"scale":1,"tier":"quantum","packId":4}'])(
  'damaged preferences %j are as on a first visit',
  (text) => expect(readPreferences(storage(text))).toEqual(DEFAULT_PREFERENCES),
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
