import { describe, expect, test } from 'vitest';
import { matchFiles } from './matchFiles.ts';
import { parseRatings } from './parseRatings.ts';
import { guessScale, onScale } from './ratings.ts';

const read = (...lines: string[]) => parseRatings(lines.join('\n'), { name: 'taste.csv' });

describe('parseRatings', () => {
  test('reads ratings, factors, alignment and prompts', () => {
    expect(read('File,Rating,Technical,alignment,prompt,who', 'a.png,4,3.5,,"a dog, red",me')).toEqual({
      images: [
        {
          file: 'a.png',
          prompt: 'a dog, red',
          rating: 4,
          technical: 3.5,
          rationality: null,
          naturalness: null,
          alignment: null,
        },
      ],
      columns: { file: 'File', rating: 'Rating', technical: 'Technical', alignment: 'alignment', prompt: 'prompt' },
      ignored: ['who'],
      hints: [],
    });
  });

  test('knows the columns of published sets', () => {
    const agiqa = read(
      'name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align',
      'AttnGAN_normal_000.jpg,statue of a man,,,,0.965602553,0.223270101,0.40889324,0.615607722',
    );
    expect(agiqa.images[0]).toMatchObject({
      file: 'AttnGAN_normal_000.jpg',
      rating: 0.965602553,
      alignment: 0.40889324,
    });
    expect(agiqa.ignored).toEqual(['adj1', 'adj2', 'style', 'std_quality', 'std_align']);
    expect(read('name,prompt,mos', 'DALLE2_0000.png,a corgi,3.8').images[0]?.rating).toBe(3.8);
    expect(
      read('image_key,db,appeal_mean,appeal_std,realism_mean,prompt_matching_mean', 'craiyon/p01,craiyon,2.6,1.3,2,4.7')
        .images[0],
    ).toMatchObject({ file: 'craiyon/p01', rating: 2.6, naturalness: 2, alignment: 4.7 });
  });

  test('understands a decimal comma and takes the mean of several ratings', () => {
    const { images, hints } = read('file;rating', 'a.png;3,5', 'b.png;1', 'a.png;2,5', 'c.png;');
    expect(images.map(({ file, rating }) => [file, rating])).toEqual([
      ['a.png', 3],
      ['b.png', 1],
    ]);
    expect(hints).toEqual(['1 image has several rows; their mean is used.', '1 image has no rating and is left out.']);
  });

  test('names the row and the column it cannot use', () => {
    expect(() => read('file,rating', 'a.png,4', 'b.png,good')).toThrow(
      'Cannot read "taste.csv": row 3, column "rating" is "good", expected a number (of "b.png")',
    );
    expect(() => read('image,mos', ',3')).toThrow('row 2, column "image" is empty; expected the name of an image');
    expect(() => read('picture,stars', 'a.png,3')).toThrow(
      'no column "file" in its first row, found "picture", "stars"',
    );
    expect(() => read('file,stars', 'a.png,3')).toThrow('no column "rating"');
    expect(() => read('')).toThrow('found nothing');
    expect(() => read('file,rating', 'a.png,')).toThrow('no row has a rating in column "rating"');
    expect(() => read('file,rating', '"a.png,3')).toThrow('Cannot read "taste.csv": the quote');
    for (const bad of ['NaN', 'Infinity', '1,000.5', '0x']) {
      expect(() => read('file,rating', `a.png,"${bad}"`), bad).toThrow('expected a number');
    }
  });
});

describe('matchFiles', () => {
  test('finds files by path, by name and without their extension', () => {
    const paths = ['set/dall-e/p01.jpg', 'set/glide/p01.jpg', 'set/Other.PNG', 'notes.png'];
    expect(matchFiles(['dall-e/p01', 'set/glide/p01.jpg', 'other.png', 'p01', 'p02'], paths)).toEqual({
      paths: ['set/dall-e/p01.jpg', 'set/glide/p01.jpg', 'set/Other.PNG', null, null],
      ambiguous: ['p01'],
      unused: ['notes.png'],
    });
  });

  test('a whole path wins over the end of another', () => {
    expect(matchFiles(['a.png', '.\\x\\a.png'], ['a.png', 'x/a.png']).paths).toEqual(['a.png', 'x/a.png']);
    expect(matchFiles(['v1.5'], ['v1.5.png']).paths).toEqual(['v1.5.png']);
  });
});

test('scales are guessed, and ratings put onto them', () => {
  expect(guessScale([1, 4.8])).toEqual([1, 5]);
  expect(guessScale([0.2, 4.2])).toEqual([0, 5]);
  expect(guessScale([0.2, 0.9])).toEqual([0, 1]);
  expect(guessScale([12, 80])).toEqual([1, 100]);
  expect(guessScale([-3, 12])).toEqual([-3, 12]);
  expect(guessScale([900, 1400])).toEqual([900, 1400]);
  expect(onScale(2, [1, 5])).toBe(0.25);
  expect(onScale(6, [1, 5])).toBe(1);
});
