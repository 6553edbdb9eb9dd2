import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { MemorySink } from '../e2e/clip/memorySink.ts';
import { type ByteSource, bytesSource, type HubFolder } from '../src/checkpoint/byteSource.ts';
import { isDiffusionFolder } from '../src/checkpoint/diffusionParts.ts';
import { planDiffusion } from './planDiffusion.ts';

const FIXTURES = fileURLToPath(new URL('../reference/fixtures/', import.meta.url));

/** Files of a fixture as if dropped, under `at`. */
function dropped(fixture: string, { at = '', without = /^$/ }: { at?: string; without?: RegExp } = {}): HubFolder {
  const sources = new Map<string, ByteSource>();
  for (const path of readdirSync(join(FIXTURES, fixture), { recursive: true, encoding: 'utf8' })) {
    if (!/\.\w+$/.test(path) || without.test(path)) continue;
    sources.set(at + path, bytesSource(at + path, readFileSync(join(FIXTURES, fixture, path))));
  }
  return sources;
}

/** Two drops in one. */
function together(a: HubFolder, b: HubFolder): HubFolder {
  return new Map([...a, ...b]);
}

test('an inpainting model becomes its parts, its tokenizer and its scheduler', async () => {
  const plan = await planDiffusion(dropped('sd-inpainting-tiny', { at: 'models/' }), 'q4');
  expect(plan.kind).toBe('inpainting');
  expect(plan.parts.map(({ name }) => name)).toEqual(['unet', 'vae', 'text_encoder']);
  expect([...plan.files.keys()]).toEqual(
    expect.arrayContaining([
      'unet/config.json',
      'vae/config.json',
      'text_encoder/config.json',
      'tokenizer/vocab.json',
      'tokenizer/merges.txt',
      'scheduler/scheduler_config.json',
    ]),
  );
  const sink = new MemorySink();
  let told = 0;
  for (const { name, byteLength, compile } of plan.parts) {
    const weights = await compile({ sink, onProgress: () => told++ });
    expect(Object.keys(weights).length, name).toBeGreaterThan(10);
    expect(byteLength, name).toBeGreaterThan(1000);
    const types = new Set(Object.values(weights).map(({ type }) => type));
    expect(types.has('uint8'), name).toBe(name !== 'vae');
  }
  expect(told).toBeGreaterThan(100);
});

test('Stable Diffusion XL has two text encoders and two tokenizers', async () => {
  const plan = await planDiffusion(dropped('sdxl-inpainting-tiny'), 'fp16');
  expect(plan.description).toBe('Stable Diffusion XL inpainting');
  expect(plan.parts.map(({ name }) => name)).toEqual(['unet', 'vae', 'text_encoder', 'text_encoder_2']);
  expect(plan.files.has('tokenizer_2/vocab.json')).toBe(true);
});

test('PASD takes what it shares with Stable Diffusion from beside it, and its own unet', async () => {
  const pasd = dropped('pasd-tiny', { at: 'pasd/checkpoint/', without: /^(vae|text_encoder|tokenizer|scheduler)\// });
  const whole = together(pasd, dropped('sd-inpainting-tiny', { at: 'sd/' }));
  const plan = await planDiffusion(whole, 'fp32');
  expect(plan.kind).toBe('restoration');
  expect(plan.parts.map(({ name }) => name)).toEqual(['unet', 'controlnet', 'vae', 'text_encoder']);
  const weights = await plan.parts[0]?.compile({ sink: new MemorySink() });
  expect(Object.keys(weights ?? {}).some((name) => name.includes('pixel_attentions'))).toBe(true);
  await expect(planDiffusion(pasd, 'fp32')).rejects.toMatchObject({
    name: 'CheckpointError',
    message: expect.stringContaining('vae/config.json'),
  });
});

test('a model that cannot inpaint, and one without its tokenizer, are refused before anything is written', async () => {
  const ordinary = together(
    dropped('sd-inpainting-tiny', { without: /^unet\// }),
    dropped('pasd-tiny', { without: /^(?!unet\/)/ }),
  );
  expect(isDiffusionFolder(ordinary)).toBe(true);
  await expect(planDiffusion(ordinary, 'fp32')).rejects.toMatchObject({ name: 'UnsupportedModelError' });
  await expect(planDiffusion(dropped('sd-inpainting-tiny', { without: /^tokenizer\// }), 'fp32')).rejects.toMatchObject(
    {
      name: 'CheckpointError',
      message: expect.stringContaining('tokenizer/'),
    },
  );
  const plainControl = together(dropped('sd-inpainting-tiny'), dropped('controlnet-sd-tiny', { at: 'controlnet/' }));
  await expect(planDiffusion(plainControl, 'fp32')).rejects.toMatchObject({
    name: 'UnsupportedModelError',
    message: expect.stringContaining('not PASD'),
  });
  expect(isDiffusionFolder(dropped('clip-tiny'))).toBe(false);
});
