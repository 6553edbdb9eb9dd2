import { expect, test } from 'vitest';
import { bytesSource } from './byteSource.ts';
import { CALIBRATION_FILE, readMapsCalibration } from './mapsCalibration.ts';

const evidence = { scale: 0.2, bias: 0.04, wholeShare: 0.3 };
const fitted = {
  phrases: evidence,
  nouns: { ...evidence, bias: 0.02 },
  perceptualBounds: { technical: 0.9, rationality: 0.5, naturalness: 1 },
};

const read = (json: unknown) =>
  readMapsCalibration(
    new Map([[CALIBRATION_FILE, bytesSource(CALIBRATION_FILE, new TextEncoder().encode(JSON.stringify(json)))]]),
  );

test('what was fitted is read; a folder without is fine', async () => {
  expect(await read({ ...fitted, note: 'fitted on validation seeds' })).toEqual(fitted);
  const both = { ...fitted, presence: { scale: 1.5, bias: -1 } };
  expect(await read(both)).toEqual(both);
  const whole = { ...fitted, prompts: { ...evidence, bias: -0.01 } };
  expect(await read(whole)).toEqual(whole);
  const held = { ...fitted, attributes: { ...evidence, rivals: [['red', 'blue']] } };
  expect(await read(held)).toEqual(held);
  expect(await readMapsCalibration(new Map())).toBeNull();
});

test.each([
  ['phrases.scale', { ...fitted, phrases: { ...evidence, scale: 0 } }],
  ['nouns.bias', { ...fitted, nouns: { ...evidence, bias: '0.1' } }],
  ['perceptualBounds.naturalness', { ...fitted, perceptualBounds: { technical: 1, rationality: 1 } }],
  ['prompts.scale', { ...fitted, prompts: { bias: 0, wholeShare: 0.5 } }],
  ['presence.scale', { ...fitted, presence: { scale: 0, bias: 0 } }],
  ['perceptualBounds.technical', { ...fitted, perceptualBounds: null }],
  ['attributes.wholeShare', { ...fitted, attributes: { scale: 1, bias: 0, rivals: [['red', 'blue']] } }],
  ['attributes.rivals', { ...fitted, attributes: evidence }],
  ['attributes.rivals', { ...fitted, attributes: { ...evidence, rivals: [['red']] } }],
  ['attributes.rivals', { ...fitted, attributes: { ...evidence, rivals: [['red', 'Dark blue']] } }],
])('a wrong %s is named', async (member, json) => {
  await expect(read(json)).rejects.toMatchObject({ name: 'CheckpointError', message: expect.stringContaining(member) });
});
