import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import goldPrompts from './goldPrompts.json' with { type: 'json' };
import { DependencyParser } from './parser/dependencyParser.ts';
import type { PromptReading } from './phrase.ts';
import { mostWordsRead, promptReader } from './promptReader.ts';

const read = promptReader(
  new DependencyParser(readFileSync(new URL('../../public/parser/english-ewt.bin', import.meta.url))),
);

/** Each phrase as `text<ancestor`; `~` before those about the whole image, `!` before those to be absent. */
function phrases(prompt: string): string[] {
  return read(prompt).phrases.map(
    ({ text, ancestor, scope, negated }) =>
      (scope === 'whole' ? '~' : '') + (negated ? '!' : '') + text + (ancestor === null ? '' : `<${ancestor}`),
  );
}

test('at least nine tenths of 120 prompts written by hand are read exactly as by a human', () => {
  expect(goldPrompts).toHaveLength(120);
  const wrong = goldPrompts.flatMap(({ prompt, phrases: expected }) => {
    const found = phrases(prompt);
    const isRight = found.join('|').toLowerCase() === expected.join('|').toLowerCase();
    return isRight ? [] : [{ prompt, expected, found }];
  });
  console.log(`${120 - wrong.length} of 120 exactly right; not: ${wrong.map(({ prompt }) => prompt).join('; ')}`);
  expect(wrong.length, JSON.stringify(wrong, null, 1)).toBeLessThanOrEqual(12);
});

test.each([
  ['a dog to the left of a red car', 'right'],
  ['a dog on the right side of a red car', 'left'],
  ['a small dog left of a red car', 'right'],
  ['a dog standing behind a car', 'below'],
  ['a dog in front of a car', 'above'],
  ['a lamp above a table', 'below'],
  ['a cat under a table', 'above'],
  ['a cup next to a plate', 'beside'],
  ['a cup near a plate', 'beside'],
  ['a cat sitting on a mat', 'beside'],
  ['a man with a hat', undefined],
  ['a man wearing a red hat', undefined],
  ['a woman in a blue dress', undefined],
])('%s: where the second stands to the first', (prompt, standing) => {
  const [first, second] = read(prompt).phrases;
  expect(first?.standing).toBeUndefined();
  expect(second?.ancestor).toBe(0);
  expect(second?.standing).toBe(standing);
});

test('words of place are no part of a phrase', () => {
  expect(phrases('a red cone left of a green ball')).toEqual(['red cone', 'green ball<0']);
});

describe('rules', () => {
  test.each([
    // Compounds and names are one noun.
    ['a flower pot on a window sill', ['flower pot', 'window sill<0']],
    // "of": amounts and portions are not the thing; vessels are, and what they hold describes them.
    ['a couple of glasses', ['couple of glasses']],
    ['a cup of coffee', ['cup of coffee']],
    // What stands beside another hangs where the first does.
    ['a blue bird and a brown bear', ['blue bird', 'brown bear']],
    ['a cat on the left and a dog on the right', ['cat on the left', 'dog on the right']],
    // Relative clauses.
    ['a cat that is wearing a red hat', ['cat that is wearing', 'red hat<0']],
    // Shape, material, guise, likeness describe.
    ['orange jello in the shape of a man', ['orange jello in the shape of a man']],
    ['a heart made of wood', ['heart made of wood']],
    ['a dog dressed as a pirate', ['dog dressed as a pirate']],
    // Numbers.
    ['three cats', ['three cats']],
    // Places in words: a preposition.
    ['a rabbit in front of a castle', ['rabbit', 'castle<0']],
    // What is to be absent, and what it would bring along; a negated adjective describes.
    ['a man without a hat', ['man', '!hat<0']],
    ['a pedestal without a statue of a horse', ['pedestal', '!statue<0', '!horse<0']],
    ['a street with no cars or people', ['street', '!cars<0', '!people<0']],
    ['a horse that is not brown', ['horse that is not brown']],
    ['a harbor --no boats, birds', ['harbor', '!boats', '!birds']],
    ['a cat:: dog::-0.5', ['cat', '!dog']],
    // Media, credits and boosters speak of the whole image.
    ['a photo of a dog', ['~photo', 'dog']],
    ['a photo', ['photo']],
    ['a dog by Van Gogh', ['dog', '~by Van Gogh']],
    ['a dog, 8k, best quality', ['dog', '~8k', '~best quality']],
    ['a city in synthwave style', ['city', '~synthwave style']],
    ['masterpiece, 8k', ['~masterpiece', '~8k']],
    // Nothing to look for.
    ['the', []],
    ['', []],
    [' ,. ()<lora:x:1> -- ', []],
    // Pictures in letters, other scripts.
    ['雪の日', ['雪の日']],
  ])('%s', (prompt, expected) => {
    expect(phrases(prompt)).toEqual(expected);
  });

  test('written weights are kept, pronouns are no things, compounds are whole nouns', () => {
    expect(read('a (red:1.4) hat, (big dog:1.2)').phrases.map(({ weight }) => weight)).toEqual([1.2, 1.2]);
    expect(read('a hat').phrases[0]).not.toHaveProperty('weight');
    expect(phrases('it is on her')).toEqual([]);
    expect(read('a red flower pot').phrases[0]?.noun.text).toBe('flower pot');
    expect(read('a red-haired girl').phrases[0]?.tokens.map(({ text }) => text)).toEqual(['red-haired', 'girl']);
  });

  test('the trees cover what was parsed', () => {
    const [sentence = []] = read('a red hat on a dog, 8k').sentences;
    expect(sentence.map(({ text }) => text)).toEqual(['a', 'red', 'hat', 'on', 'a', 'dog']);
    expect(sentence.filter(({ head }) => head === 0)).toHaveLength(1);
  });
});

/** What every reader owes its callers, on any string. */
function assertSound(prompt: string): PromptReading {
  const reading = read(prompt);
  const { phrases: found, sentences } = reading;
  for (const [i, { tokens, noun, ancestor, text, negated, weight }] of found.entries()) {
    expect(tokens.length).toBeGreaterThan(0);
    expect(text).toBe(tokens.map((token) => token.text).join(' '));
    expect(noun.start).toBeGreaterThanOrEqual(tokens[0]?.start as number);
    expect(noun.end).toBeLessThanOrEqual(tokens.at(-1)?.end as number);
    expect(negated ?? true).toBe(true);
    expect(weight ?? 1).toBeGreaterThanOrEqual(0);
    let end = 0;
    for (const token of tokens) {
      expect(prompt.slice(token.start, token.end)).toBe(token.text);
      expect(token.text).not.toBe('');
      expect(token.start).toBeGreaterThanOrEqual(end);
      end = token.end;
    }
    // Walking up ends at the whole image, and leads over things that have a place.
    let above = ancestor;
    for (let steps = 0; above !== null; steps++) {
      expect(steps).toBeLessThan(found.length);
      expect(above).not.toBe(i);
      expect(found[above]?.scope).toBe('place');
      expect(found[above]?.negated ?? false).toBe(false);
      above = found[above]?.ancestor as number | null;
    }
  }
  const starts = found.flatMap(({ tokens }) => tokens.map(({ start }) => start));
  expect(new Set(starts).size).toBe(starts.length);
  for (const sentence of sentences) {
    for (const { start, end, head } of sentence) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(prompt.length);
      expect(head).toBeLessThanOrEqual(sentence.length);
    }
  }
  return reading;
}

/** A small linear congruential generator: the same strings on every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('bad input', () => {
  test('never throws and keeps offsets exact on a thousand random strings', () => {
    const pieces = (
      'a the red dog sitting on of and is by Monet style painting next to while quickly 8k masterpiece without no not photo ' +
      'couple cup shape 1girl , , , . ( ) :1.2) [ ] { } <lora:x:1> < > :: ::2 --ar --no BREAK AND \\( \ud83d\udc69\u200d\ud83c\udfa8 ' +
      "\ud83d \udc00 é e\u0301 雪 \u0000 _ - 's don't \" “ ” | +++ -- ) Negative"
    )
      .split(' ')
      .concat('\n', ' ', ' ');
    const random = randomOf(12345);
    for (let i = 0; i < 1000; i++) {
      const join = random(3) > 0 ? ' ' : '';
      assertSound(Array.from({ length: random(25) }, () => pieces[random(pieces.length)]).join(join));
    }
    for (let i = 0; i < 300; i++) {
      assertSound(
        String.fromCharCode(...Array.from({ length: random(40) }, () => random(random(2) ? 0x180 : 0x10000))),
      );
    }
  });

  test.each([
    ['punctuation', '.,;:!?()[]{}<>"\''.repeat(400)],
    ['one endless word', 'x'.repeat(20_000)],
    ['brackets', '('.repeat(20_000)],
    ['commas', 'a dog,'.repeat(5000)],
    ['quotation marks', '"a" '.repeat(5000)],
    ['another script', '木の下の犬。'.repeat(2000)],
    ['lone surrogates', '\ud800a'.repeat(5000)],
    ['nothing but "of"', 'couple of '.repeat(5000)],
    ['ten thousand words', 'a red dog sitting on a wooden chair next to the table while it rains '.repeat(700)],
  ])('%s: no hang', (_, prompt) => {
    const start = process.cpuUsage();
    const { hint, phrases: found } = read(prompt);
    // Half a second on a quiet core. CPU time, because test machines are busy, and twice the limit, because busy cores are slow.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(4);
    if (prompt.startsWith('a red dog')) {
      expect(hint).toContain(String(mostWordsRead));
      expect(found.length).toBeGreaterThan(100);
    }
  });
});

describe('prompts of others (need ../shared/data)', () => {
  const folder = new URL('../../../shared/data/prompts/', import.meta.url);
  test.skipIf(!existsSync(folder))('PartiPrompts: each names something', () => {
    const lines = readFileSync(new URL('PartiPrompts.tsv', folder), 'utf8').trim().split('\n').slice(1);
    expect(lines.length).toBeGreaterThan(1600);
    const prompts = lines.map((line) => line.split('\t')[0] as string);
    expect(prompts.filter((prompt) => assertSound(prompt).phrases.length === 0)).toEqual([]);
  });

  test.skipIf(!existsSync(folder))('AGIQA-3K: each names something', () => {
    const lines = readFileSync(new URL('agiqa3k.csv', folder), 'utf8').trim().split('\n').slice(1);
    const prompts = [
      ...new Set(lines.map((line) => (/^[^,]*,(?:"([^"]*)"|([^,]*)),/.exec(line) ?? []).slice(1).join(''))),
    ];
    expect(prompts.length).toBeGreaterThan(250);
    expect(prompts.filter((prompt) => hasNounButNoPhrase(assertSound(prompt)))).toEqual([]);
  });
});

function hasNounButNoPhrase({ phrases: found, sentences }: PromptReading): boolean {
  return found.length === 0 && sentences.flat().some(({ upos }) => upos === 'NOUN' || upos === 'PROPN');
}
