import { describe, expect, test } from 'vitest';
import { inpainting, job, restoration } from './fakeStory.ts';
import { refineRecord } from './refineRecord.ts';
import { runStrategy, strategies } from './strategies.ts';
import type { StrategyId } from './strategy.ts';

/** The middle of the picture. */
const handMask = { width: 3, height: 3, values: Uint8Array.of(0, 0, 0, 0, 255, 0, 0, 0, 0) };

test('each has a name of its own, a title, and a sentence on when to choose it', () => {
  expect(new Set(strategies.map(({ id }) => id)).size).toBe(strategies.length);
  expect(new Set(strategies.map(({ title }) => title)).size).toBe(strategies.length);
  for (const { whenToChoose } of strategies) expect(whenToChoose).toMatch(/^[A-Z].{30,160}\.$/);
});

describe.each(strategies.map(({ id, title, needs }) => ({ id, title, needs })))('$id', ({ id, title, needs }) => {
  const models = { inpainting: inpainting(), restoration: restoration() };

  test('says which model it lacks', async () => {
    const without = needs.model === 'either' ? { inpainting: null, restoration: null } : { [needs.model]: null };
    const run = () => runStrategy(id, job({ ...models, ...without }));
    await expect(run()).rejects.toThrow(expect.objectContaining({ name: 'PackMissingError' }));
    await expect(run()).rejects.toThrow(`${title} needs`);
  });

  test('is named by its result and by its record', async () => {
    const result = await runStrategy(id, job({ ...models, handMask }));
    expect(result.strategy).toBe(id);
    expect(refineRecord([result], { version: '1' })).toMatchObject({ refinements: [{ strategy: id, seed: 7 }] });
  });
});

test('an unknown one is an error', async () => {
  await expect(runStrategy('best' as StrategyId, job())).rejects.toThrow(/no strategy "best"/);
});
