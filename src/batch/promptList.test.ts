import { describe, expect, test } from 'vitest';
import { findPrompts, isPromptFile, pathsWithoutExtension } from './promptList.ts';

const images = ['cat.png', 'dog.jpg', 'deep/cat.png', 'deep/er/Éclair.webp'];

const found = (files: Record<string, string>, paths = images) => {
  const { prompts, notes } = findPrompts(
    paths,
    Object.entries(files).map(([path, text]) => ({ path, text })),
  );
  return { prompts: Object.fromEntries(prompts), notes };
};

describe('prompts.csv', () => {
  test('columns by their names, in any order', () => {
    const text = 'seed,Prompt,File name\n1,"a red hat, on a cat",cat.png\n2,a dog,dog.jpg\n';
    expect(found({ 'prompts.csv': text })).toEqual({
      prompts: { 'cat.png': 'a red hat, on a cat', 'dog.jpg': 'a dog' },
      notes: ['“prompts.csv” has prompts for 2 images.'],
    });
  });

  test('without names of columns, the first two; names without extension, paths, other slashes and case', () => {
    const text = 'dog;a dog\n./deep\\er\\ÉCLAIR;sweet\nnobody.png;x\n';
    expect(found({ 'prompts.csv': text })).toEqual({
      prompts: { 'dog.jpg': 'a dog', 'deep/er/Éclair.webp': 'sweet' },
      notes: ['“prompts.csv” has prompts for 2 images; 1 line names no image here.'],
    });
  });

  test('a bare name that two images have is no image’s, unless one is named by its path', () => {
    expect(found({ 'deep/prompts.csv': 'cat,near' }).prompts).toEqual({ 'deep/cat.png': 'near' });
    expect(found({ 'prompts.csv': 'cat.png,here' }).prompts).toEqual({ 'cat.png': 'here' });
    expect(found({ 'prompts.csv': 'cat,x' }, ['a/cat.png', 'b/cat.png']).prompts).toEqual({});
    expect(found({ 'prompts.csv': 'cat,x' }, ['cat.png', 'cat.jpg']).prompts).toEqual({});
  });

  test('what cannot be read is told, and the others are used', () => {
    const { prompts, notes } = found({ 'prompts.csv': 'cat.png,"open', 'deep/prompts.tsv': 'cat\tnear' });
    expect(prompts).toEqual({ 'deep/cat.png': 'near' });
    expect(notes[0]).toContain('“prompts.csv” is not used: the quote that begins in line 1 is never closed');
    expect(found({ 'prompts.csv': 'cat.png\ndog.jpg\n' }).notes[0]).toContain('it has one column');
  });
});

test('prompts.txt: a line each', () => {
  const text = '\uFEFFcat.png: a cat, sitting\r\ndog.jpg\ta dog: brown\r\n\r\nno sign\r\ndeep/cat | far';
  expect(found({ 'prompts.txt': text }).prompts).toEqual({
    'cat.png': 'a cat, sitting',
    'dog.jpg': 'a dog: brown',
    'deep/cat.png': 'far',
  });
});

test('what is nearer wins: a text beside the image before a list, a list in its folder before one above', () => {
  const { prompts, notes } = found({
    'prompts.csv': 'deep/cat.png,above\ncat.png,list',
    'deep/prompts.csv': 'cat.png,near',
    'cat.txt': ' own \n',
    'dog.txt': ' ',
  });
  expect(prompts).toEqual({ 'cat.png': 'own', 'deep/cat.png': 'near' });
  expect(notes.at(-1)).toBe('1 image has a text file with the prompt beside it.');
});

test('only files that may say prompts are read', () => {
  const known = pathsWithoutExtension(images);
  expect(['prompts.csv', 'x/Prompts.TXT', 'cat.txt'].map((path) => isPromptFile(path, known))).toEqual([
    true,
    true,
    true,
  ]);
  expect(['readme.txt', 'deep/dog.txt', 'ratings.csv'].map((path) => isPromptFile(path, known))).toEqual([
    false,
    false,
    false,
  ]);
});
