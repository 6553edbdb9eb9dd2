import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generatedPng } from '../../e2e/journeys/generatedPng.ts';
import { evaluateRatings } from './evaluateRatings.ts';
import { nodeImage } from './nodeImage.ts';
import { ratedSets } from './ratedSets.ts';

const fixtures = fileURLToPath(new URL('../../reference/fixtures/', import.meta.url));
let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'g-refine-ratings-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** A folder with small pictures and tables. */
function folder(
  name: string,
  { images, tables }: { images: readonly string[]; tables: Record<string, string[]> },
): string {
  const path = join(root, name);
  images.forEach((image, i) => {
    mkdirSync(join(path, image, '..'), { recursive: true });
    writeFileSync(join(path, image), generatedPng({ width: 32 + i, height: 24, text: null, paleFrom: (i % 7) / 6 }));
  });
  for (const [table, lines] of Object.entries(tables)) writeFileSync(join(path, table), lines.join('\n'));
  return path;
}

/** AGIQA-3K's layout, made up. */
function agiqa(name: string, count: number): string {
  const images = Array.from({ length: count }, (_, i) => `sd1.5_normal_${String(i).padStart(3, '0')}.png`);
  return folder(name, {
    images: images.map((image) => `images/${image}`),
    tables: {
      'data.csv': [
        'name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align',
        ...images.map((image, i) => `${image},a red hat on a dog ${i},,,,${(i % 7) / 2 + 1},0.2,${(i % 5) + 0.5},0.6`),
        'gone.jpg,a cat,,,,3,0.2,2,0.6',
      ],
    },
  });
}

describe('rated sets', () => {
  test('AGIQA-3K', () => {
    const [set] = ratedSets(agiqa('agiqa', 3));
    expect(set).toMatchObject({ name: 'data.csv', missing: 1 });
    expect(set?.rated.map(({ ratings: { rating, alignment, prompt } }) => [rating, alignment, prompt])).toEqual([
      [1, 0.5, 'a red hat on a dog 0'],
      [1.5, 1.5, 'a red hat on a dog 1'],
      [2, 2.5, 'a red hat on a dog 2'],
    ]);
  });

  test('AIGIQA-20K: its splits are one set', () => {
    const path = folder('aigiqa', {
      images: ['train/DALLE2_0000.png', 'val/SDXL_0001.png', 'test/MJ_0002.png'],
      tables: {
        'info_train.csv': ['name,prompt,mos', 'DALLE2_0000.png,a corgi,3.8'],
        'info_val.csv': ['name,prompt,mos', 'SDXL_0001.png,a boat,2.1'],
        'info_test.csv': ['name,prompt', 'MJ_0002.png,a castle'],
      },
    });
    const sets = ratedSets(path);
    expect(sets.map(({ name, rated }) => [name, rated.length])).toEqual([['info_train.csv, info_val.csv', 2]]);
  });

  test('AVT AI images: prompts by their ids, files without their ending', () => {
    const path = folder('avt', {
      images: ['dall-e/p01.png', 'glide/p01.png'],
      tables: {
        'prompts.csv': ['ID,prompts,category', 'p01,A red colored car,Drawbench'],
        'quality.csv': ['image_key,rating,std,prompt', 'dall-e/p01,2.28,0.9,p01', 'craiyon/p01,2,0.8,p01'],
        'ratings.csv': ['image_key,appeal_mean,realism_mean,prompt_matching_mean', 'glide/p01,2.6,2,4.7'],
        'metrics.csv': ['model,metric,img_id,quality_score', 'glide,NIQE,p01.png,3'],
      },
    });
    const sets = ratedSets(path);
    expect(sets.map(({ name, missing }) => [name, missing])).toEqual([
      ['quality.csv', 1],
      ['ratings.csv', 0],
    ]);
    for (const { rated } of sets) expect(rated[0]?.ratings.prompt).toBe('A red colored car');
    expect(sets[1]?.rated[0]?.ratings).toMatchObject({ naturalness: 2, alignment: 4.7 });
  });

  test('says why there is nothing to evaluate', () => {
    const path = folder('nothing', {
      images: ['a.png'],
      tables: { 'a.csv': ['name,stars', 'a.png,3'], 'b.csv': ['name,mos', 'other.png,3'] },
    });
    expect(() => ratedSets(path)).toThrow(
      /none of the 1 images of "b.csv" is there; Cannot read "a.csv": no column "rating"/,
    );
  });
});

test('images decode in Node as in a browser', async () => {
  // Exact for PNG; the JPEG decoders may round their chroma differently.
  for (const [name, bound] of [
    ['rgb16.png', 1],
    ['rgba.png', 1],
    ['palette-alpha.png', 1],
    ['gray-jpeg.jpg', 3],
  ] as const) {
    const image = await nodeImage(`${fixtures}images/input/${name}`);
    const golden = await nodeImage(`${fixtures}images/upright/${name.replace(/\.\w+$/, '.png')}`);
    expect([image.width, image.height], name).toEqual([golden.width, golden.height]);
    const worst = image.data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (golden.data[i] as number))),
      0,
    );
    expect(worst, name).toBeLessThanOrEqual(bound);
  }
  const broken = join(root, 'broken.png');
  writeFileSync(broken, readFileSync(`${fixtures}images/input/rgba.png`).subarray(0, 60));
  await expect(nodeImage(broken)).rejects.toMatchObject({ name: 'ImageError' });
});

test('prints the rows of the tables for every kind of words, and remembers features', async () => {
  const lines: string[] = [];
  const progress: string[] = [];
  const options = {
    folder: agiqa('whole', 24),
    model: `${fixtures}clip-tiny`,
    parser: fileURLToPath(new URL('../../public/parser/english-ewt.bin', import.meta.url)),
    cache: join(root, 'cache'),
    imageSize: 224,
    seed: 1,
    threads: 1,
    print: (line: string) => lines.push(line),
    onProgress: (words: string) => progress.push(words),
  };
  const rows = await evaluateRatings(options);
  expect(rows.map(({ of, method, over }) => [of, method.replace(/: \w+$/, ''), over])).toEqual([
    ['quality', 'PQ-Map, zeroShot', 'all'],
    ['quality', 'PQ-Map, zeroShot', '4 held-out folds, mean'],
    ['quality', 'PQ-Map, zeroShot calibrated', '4 held-out folds, mean'],
    ['alignment', 'AQ-Map', '4 held-out folds, mean'],
    ['alignment', 'AQ-Map, calibrated', '4 held-out folds, mean'],
    ['quality', 'PQ-Map, learned', 'all'],
    ['quality', 'PQ-Map, learned', '4 held-out folds, mean'],
    ['quality', 'PQ-Map, learned calibrated', '4 held-out folds, mean'],
    ['alignment', 'AQ-Map', 'all (24 with a prompt that names things)'],
  ]);
  for (const { agreement } of rows) {
    expect(Object.values(agreement).every((value) => value >= -1 && value <= 1)).toBe(true);
  }
  expect(lines.join('\n')).toContain('| Quality (Table 6) | over | SRCC | KRCC | PLCC |');
  expect(lines.join('\n')).toContain('## data.csv: 24 images, 1 rated ones are not there');
  expect(await evaluateRatings(options)).toEqual(rows);
});
