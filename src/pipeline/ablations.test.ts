import { expect, test } from 'vitest';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { Phrase, PromptReader } from '../prompt/phrase.ts';
import { alignmentOnly, perceptualOnly, repaintOnly } from './ablations.ts';
import { inpainting, job, pixel, restoration, sameBytes } from './fakeStory.ts';
import { gRefine } from './gRefine.ts';

const noun = { text: 'grass', start: 0, end: 5 };
const grass: Phrase = { text: 'grass', tokens: [noun], noun, ancestor: null, scope: 'place' };
/** A prompt that asks for grass, which the picture lacks. */
const prompt = 'grass';
const readPrompt: PromptReader = () => ({ phrases: [grass], sentences: [], hint: null });

const promptsOf = (model: ReturnType<typeof inpainting>) =>
  model.calls.flatMap((call) => (call.kind === 'encodePrompt' ? [call.prompt] : []));

test('quality only: repairs what looks bad, stresses nothing, and still tells the match', async () => {
  const model = inpainting();
  const result = await perceptualOnly(job({ inpainting: model, prompt, readPrompt }));
  expect(result).toMatchObject({ strategy: 'perceptualOnly', outcome: 'refined', emphasisedPrompt: 'grass' });
  expect(promptsOf(model)[0]).toEqual({ chunks: [[{ text: 'grass', weight: 1 }]] });
  expect(pixel(result.image as RgbaImage, 56, 48)).toEqual([51, 204, 51]);
  // The square alone, as without a prompt.
  const alone = await gRefine(job());
  expect(result.regions.map(({ place }) => place)).toEqual(alone.regions.map(({ place }) => place));
  expect(result.before.alignment?.phrases[0]?.status).toBe('missing');
  expect(result.after.alignment).not.toBeNull();
});

test('match only: repairs what misses the prompt, whatever else looks bad', async () => {
  const model = inpainting();
  const result = await alignmentOnly(job({ inpainting: model, prompt, readPrompt }));
  expect(result).toMatchObject({ strategy: 'alignmentOnly', outcome: 'refined' });
  expect(result.emphasisedPrompt).toMatch(/\(grass:1\.\d+\)/);
  // Grass is missing everywhere, so the region is the picture.
  expect(result.regions[0]?.place).toEqual({ x: 0, y: 0, width: 128, height: 96 });
  expect(result.after.alignment?.score).toBeGreaterThan(result.before.alignment?.score as number);
});

test('match only: a picture that misses nothing is left alone, red as it is', async () => {
  const result = await alignmentOnly(job());
  expect(result).toMatchObject({ strategy: 'alignmentOnly', outcome: 'nothingToRepair', image: null });
  expect(result.before.perceptual.score).toBeLessThan(1);
});

test('stage 1 only: the model of stage 2 is never asked', async () => {
  const second = restoration();
  const result = await repaintOnly(job({ restoration: second }));
  expect(result).toMatchObject({ strategy: 'repaintOnly', outcome: 'refined', hints: [] });
  expect(second.calls).toEqual([]);
  const whole = await gRefine(job());
  expect(sameBytes(result.image, whole.image)).toBe(true);
});

test('the gate sees no more than the rest: what only the other map misses is kept', async () => {
  // Red is bad, and it is what the prompt asks for.
  const alarm: Phrase = { ...grass, text: 'alarm', noun: { text: 'alarm', start: 0, end: 5 } };
  const asked = { prompt: 'alarm', readPrompt: () => ({ phrases: [alarm], sentences: [], hint: null }) };
  const both = await gRefine(job(asked));
  expect(both.outcome).toBe('rejected');
  const quality = await perceptualOnly(job(asked));
  expect(quality.outcome).toBe('refined');
  expect(quality.after.alignment?.score).toBeLessThan(quality.before.alignment?.score as number);
});
