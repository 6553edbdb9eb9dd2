import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { bytesOf, exifBlock, pngChunk } from '../src/image/handMadeImages.ts';
import { expect, test } from './browser/fixtures.ts';
import type { SavingTestApi } from './pages/saving.worker.ts';

const folder = new URL('../reference/fixtures/images/input/', import.meta.url);
const formats = ['png', 'jpeg', 'webp'] as const;
const record = { app: 'g-refine', words: 'größer 雪' };
const parameters = 'a red fox, snow\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1';
const graph = JSON.stringify({ 1: { class_type: 'CLIPTextEncode', inputs: { text: 'a fox' } } });

/** Calls a function of `pages/saving.worker.ts`. */
async function call<Name extends keyof SavingTestApi>(
  page: Page,
  name: Name,
  ...args: Parameters<SavingTestApi[Name]>
): Promise<Awaited<ReturnType<SavingTestApi[Name]>>> {
  return page.evaluate(
    ([name, args]) => (globalThis.savingTest[name] as unknown as (...args: unknown[]) => Promise<never>)(...args),
    [name, args] as const,
  );
}

/** A PNG of the fixtures with chunks behind its head. */
function pngWith(file: string, ...chunks: Uint8Array[]): number[] {
  const bytes = readFileSync(new URL(file, folder));
  return [...bytesOf(bytes.subarray(0, 33), ...chunks, bytes.subarray(33))];
}
const tEXt = (keyword: string, text: string) => pngChunk('tEXt', bytesOf(keyword, 0, text));
const utf16 = bytesOf('UNICODE\0', ...Array.from(parameters, (letter) => [0, letter.charCodeAt(0)]));
const jpegWith = (file: string, exif: Uint8Array) => {
  const bytes = readFileSync(new URL(file, folder));
  const data = bytesOf('Exif\0\0', exif);
  return [
    ...bytesOf(
      bytes.subarray(0, 2),
      0xff,
      0xe1,
      (data.length + 2) >> 8,
      (data.length + 2) & 255,
      data,
      bytes.subarray(2),
    ),
  ];
};

const originals = {
  a1111: { bytes: pngWith('rgb-wide.png', tEXt('parameters', parameters)), source: 'A1111', prompt: 'a red fox, snow' },
  comfy: {
    bytes: pngWith('palette.png', tEXt('prompt', graph), tEXt('workflow', '{"nodes":[]}')),
    source: 'ComfyUI',
    prompt: 'a fox',
  },
  turned: {
    bytes: jpegWith('gray-jpeg.jpg', exifBlock([[0x0112, 3, 6]], { exifTags: [[0x9286, 7, utf16]], order: 'II' })),
    source: 'A1111',
    prompt: 'a red fox, snow',
  },
};

for (const [name, { bytes, source, prompt }] of Object.entries(originals)) {
  test(`${name}: saved in every format, the picture and its words are there again`, async ({ openTestPage }, {
    outputDir,
  }) => {
    const page = await openTestPage('saving.html');
    for (const format of formats) {
      const saved = await call(page, 'roundTrip', bytes, format, JSON.stringify(record));
      // To be looked at with other programs.
      mkdirSync(outputDir, { recursive: true });
      writeFileSync(`${outputDir}/${name}.${format}`, new Uint8Array(saved.bytes));
      expect(saved.type).toBe(`image/${format}`);
      expect(saved.savedSize).toEqual(saved.size);
      if (format === 'png') expect(saved.largest).toBe(0);
      // The fixtures are noisy; a turned or damaged picture is off by tens.
      else expect(saved.mean).toBeLessThan(6);
      expect(saved.warning).toBeNull();
      expect(saved.metadata).toMatchObject({ source, prompt });
      expect(JSON.parse(saved.records)).toEqual([record]);
    }
  });
}

test('PNG is byte-exact at any size, and quick', async ({ openTestPage }) => {
  const page = await openTestPage('saving.html');
  for (const [width, height] of [
    [1, 1],
    [3, 700],
    [701, 2],
    [1024, 1024],
  ] as const) {
    const { largest, seconds } = await call(page, 'exactPng', width, height);
    console.log(`${width}x${height} as PNG: ${seconds.toFixed(2)} s`);
    expect(largest).toBe(0);
  }
});

test('a picture too wide for WebP is refused with a way out', async ({ openTestPage }) => {
  const page = await openTestPage('saving.html');
  expect(await call(page, 'saveError', 16_384, 4, 'webp')).toEqual({
    name: 'ImageError',
    message:
      'Cannot save as WebP: it holds at most 16383 px a side, and the picture is 16384×4 px; save as PNG instead',
  });
  expect(await call(page, 'saveError', 16_384, 4, 'jpeg')).toBeNull();
});
