import { expect, test } from 'vitest';
import { exportedPack } from './exportedPack.ts';

const file = (path: string) => ({ path, file: new File([''], path) });

test('a folder that holds a pack’s manifest is an exported model; its files are relative to it', () => {
  const found = exportedPack([file('stick/photo.png'), file('stick/sdxl/pack.json'), file('stick/sdxl/weights-0.bin')]);
  expect(found?.name).toBe('sdxl');
  expect(found?.files.map(({ path }) => path)).toEqual(['pack.json', 'weights-0.bin']);
});

test('files chosen without their folder, too', () => {
  expect(exportedPack([file('pack.json'), file('weights-0.bin')])).toMatchObject({ name: 'the exported model' });
});

test('nothing else is', () => {
  expect(exportedPack([file('clip/config.json'), file('clip/backpack.json')])).toBeNull();
});
