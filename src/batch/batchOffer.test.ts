import { describe, expect, test } from 'vitest';
import { batchContent, commonFolder, looksLikeBatch, MOST_LOOSE_IMAGES, matchFiles } from './batchOffer.ts';
import { imagesOf } from './sampleBatch.ts';

const file = (path: string, { size = 10, text = '' } = {}) => ({ path, file: { size, text: async () => text } });

test('a folder of images is a batch, and so are many loose ones; a few are not', () => {
  const loose = (count: number) => Array.from({ length: count }, (_, i) => ({ path: `${i}.png` }));
  expect(looksLikeBatch(loose(MOST_LOOSE_IMAGES))).toBe(false);
  expect(looksLikeBatch(loose(MOST_LOOSE_IMAGES + 1))).toBe(true);
  expect(looksLikeBatch([{ path: 'x/a.png' }])).toBe(false);
  expect(looksLikeBatch([{ path: 'x/a.png' }, { path: 'x/b.png' }])).toBe(true);
});

test('the folder that all have in common', () => {
  expect(commonFolder(['x/a', 'x/y/b'])).toBe('x/');
  expect(commonFolder(['x/a', 'xy/b'])).toBe('');
  expect(commonFolder(['a', 'x/b'])).toBe('');
  expect(commonFolder([])).toBe('');
});

describe('what is in a drop', () => {
  test('named by its folder, ordered as people count, with prompts from beside the images', async () => {
    const images = [file('dogs/10.png'), file('dogs/9.png', { size: 5 }), file('dogs/x/1.png')];
    const files = [...images, file('dogs/prompts.csv', { text: 'file,prompt\n9.png,a dog' }), file('dogs/readme.txt')];
    expect(await batchContent(images, { files })).toMatchObject({
      name: 'dogs',
      images: [
        { path: '9.png', size: 5, prompt: 'a dog' },
        { path: '10.png', size: 10, prompt: null },
        { path: 'x/1.png', size: 10, prompt: null },
      ],
      byteLength: 25,
      notes: ['“prompts.csv” has prompts for 1 image.'],
    });
  });

  test('loose images of one name are told apart', async () => {
    const images = [file('a.png'), file('a.png'), file('b'), file('b')];
    const { name, images: found, files } = await batchContent(images, { files: images });
    expect(['a.png', 'a (2).png'].map((path) => files.get(path))).toEqual([images[0], images[1]]);
    expect(name).toBe('4 images');
    expect(found.map(({ path }) => path)).toEqual(['a (2).png', 'a.png', 'b', 'b (2)']);
  });

  test('what is too much is left out, and that is said', async () => {
    const images = Array.from({ length: 5003 }, (_, i) => file(`${i}.png`));
    const { images: found, notes } = await batchContent(images, { files: images });
    expect(found.length).toBe(5000);
    expect(notes).toEqual(['Only the first 5000 images are taken; 3 are left out.']);
  });
});

describe('dropped again', () => {
  const images = imagesOf('a.png', 'x/b.png');

  test('by path, whatever the folder is called now', () => {
    const files = [file('new name/a.png', { size: 1000 }), file('new name/x/b.png', { size: 1001 })];
    expect([...matchFiles(images, files).keys()]).toEqual(['a.png', 'x/b.png']);
  });

  test('by name and size where it lies elsewhere, unless two could be it', () => {
    expect([...matchFiles(images, [file('b.png', { size: 1001 })]).keys()]).toEqual(['x/b.png']);
    const two = [file('p/b.png', { size: 1001 }), file('q/b.png', { size: 1001 })];
    expect(matchFiles(images, two).size).toBe(0);
  });

  test('another size is another image', () => {
    expect(matchFiles(images, [file('a.png', { size: 7 })]).size).toBe(0);
  });
});
