import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { splitPrompt } from './interimSplitter.ts';

/** Each phrase as `words<ancestor`, its noun in capitals, `~` before those about the whole image. */
function split(prompt: string): string[] {
  return splitPrompt(prompt).map(
    ({ tokens, noun, ancestor, scope }) =>
      (scope === 'whole' ? '~' : '') +
      tokens.map((token) => (token.start === noun.start ? token.text.toUpperCase() : token.text)).join(' ') +
      (ancestor === null ? '' : `<${ancestor}`),
  );
}

describe('splitPrompt', () => {
  test.each([
    ['a red hat on a dog', ['red HAT', 'DOG<0']],
    ['An oil painting of a cat sitting on a wooden chair', ['~oil PAINTING', 'CAT sitting', 'wooden CHAIR<1']],
    ['a cat sits on a chair', ['CAT sits', 'CHAIR<0']],
    ['Two cats are sitting in front of a house', ['Two CATS sitting', 'HOUSE<0']],
    ['a dog and a cat in a park', ['DOG', 'CAT', 'PARK<1']],
    ['a woman with a hat and a scarf, on a beach', ['WOMAN', 'HAT<0', 'SCARF<0', 'BEACH<0']],
    ['black and white dog, black dog', ['black white DOG', 'black DOG']],
    ['the hat is red and the dog is blue', ['HAT red', 'DOG blue']],
    ['a couple of glasses next to a zebra', ['GLASSES', 'ZEBRA<0']],
    ['swimming pool, running dog, lighting', ['swimming POOL', 'running DOG', 'LIGHTING']],
    [
      '1girl, (blue eyes:1.2), masterpiece, best quality, 8k',
      ['1GIRL', 'blue EYES', '~MASTERPIECE', '~best QUALITY', '~8K'],
    ],
    ['a dog, trending on artstation, by greg rutkowski', ['DOG', '~TRENDING', '~ARTSTATION', '~greg RUTKOWSKI']],
    ['a castle by the sea in the style of Monet', ['CASTLE', 'SEA<0', '~STYLE', '~MONET']],
    ['a dog by Van Gogh', ['DOG', '~Van GOGH']],
    ['A cat. With a hat', ['CAT', 'HAT']],
    ['the', []],
    ['', []],
    [' ,. ()<lora:x:1> -- ', []],
  ])('%s', (prompt, expected) => {
    expect(split(prompt)).toEqual(expected);
  });

  test('phrases read as CLIP gets them: tokens joined by spaces, syntax gone', () => {
    expect(splitPrompt('a (very:1.2) (red:1.3) sun_hat').map(({ text }) => text)).toEqual(['red sun hat']);
  });

  /** What every splitter owes its callers, on any string. */
  function assertSound(prompt: string): void {
    const phrases = splitPrompt(prompt);
    phrases.forEach((phrase, i) => {
      const { tokens, noun, ancestor, text } = phrase;
      expect(tokens).toContainEqual(noun);
      expect(text).toBe(tokens.map((token) => token.text).join(' '));
      let end = 0;
      for (const token of tokens) {
        expect(prompt.slice(token.start, token.end)).toBe(token.text);
        expect(token.text).not.toBe('');
        expect(token.start).toBeGreaterThanOrEqual(end);
        end = token.end;
      }
      // Ancestors come earlier and have a place, so that walking up ends and leads somewhere.
      if (ancestor !== null) {
        expect(ancestor).toBeLessThan(i);
        expect(phrases[ancestor]?.scope).toBe('place');
      }
    });
    const starts = phrases.flatMap(({ tokens }) => tokens.map(({ start }) => start));
    expect(new Set(starts).size).toBe(starts.length);
  }

  test('never throws and keeps offsets exact on two thousand random strings', () => {
    const pieces = [
      'a', 'the', 'red', 'dog', 'sitting', 'on', 'of', 'and', 'is', 'by', 'Monet', 'style', 'painting', 'next', 'to', 'while',
      'quickly', '8k', 'masterpiece', ' ', ' ', ', ', '. ', '\n', '(', ')', ':1.2)', '[', ']', '{', '}', '<lora:x:1>', '<', '>',
      '::', '--ar', 'BREAK', '\\(', '👩‍🎨', '🏳️‍🌈', '\ud83d', '\udc00', 'é', 'e\u0301', '雪', '\u0000', '_', '-', "'s", '|',
    ]; // biome-ignore format: one list, not fifty lines
    // A small linear congruential generator: the same strings on every run.
    let state = 12345;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 2000; i++) {
      const join = random(2) === 0 ? ' ' : '';
      assertSound(Array.from({ length: random(25) }, () => pieces[random(pieces.length)]).join(join));
    }
  });

  test('takes ten thousand words in linear time', () => {
    const clause = 'a red dog sitting on a wooden chair next to the table, ';
    const words = (count: number) => clause.repeat(Math.ceil(count / 11));
    splitPrompt(words(10_000));
    const start = performance.now();
    expect(splitPrompt(words(10_000)).length).toBeGreaterThan(2500);
    // Takes some 20 ms; the bound only tells linear from quadratic on a busy machine.
    expect(performance.now() - start).toBeLessThan(1000);
  });

  const parti = new URL('../../../shared/data/prompts/PartiPrompts.tsv', import.meta.url);
  test.skipIf(!existsSync(parti))('finds at least one phrase in every PartiPrompt (needs ../shared/data)', () => {
    const prompts = readFileSync(parti, 'utf8').trim().split('\n').slice(1);
    expect(prompts.length).toBeGreaterThan(1600);
    for (const line of prompts) {
      const prompt = line.split('\t')[0] as string;
      assertSound(prompt);
      expect(splitPrompt(prompt).length, prompt).toBeGreaterThan(0);
    }
  });
});
