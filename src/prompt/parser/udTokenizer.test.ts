import { describe, expect, it } from 'vitest';
import { tokenizeUd } from './udTokenizer.ts';

/** Reading is linear: quadratic, it would take minutes, and on a busy machine linear takes seconds. */
const HANG_MS = 30_000;

const words = (text: string): string =>
  tokenizeUd(text)
    .map((t) => t.text)
    .join(' '); // prettier-ignore

describe('tokenizeUd', () => {
  it.each([
    ["I don't think it's the bird's", "I do n't think it 's the bird 's"],
    ["can't won’t you're they'll we've I'd CANNOT", "ca n't wo n’t you 're they 'll we 've I 'd CAN NOT"],
    ['red-haired non-human e-mail', 'red - haired non-human e-mail'],
    ['at 5pm, 20% of $1,299.50', 'at 5 pm , 20 % of $ 1,299.50'],
    ['the 1st 1980s 3D 8k', 'the 1st 1980s 3D 8 k'],
    ['Dr. Who, U.S. flag. No. No.', 'Dr. Who , U.S. flag . No . No .'],
    ['wow!!! (really?) ...', 'wow !!! ( really ? ) ...'],
    ['see https://a.b/c?d=1, or me@x.org.', 'see https://a.b/c?d=1 , or me@x.org .'],
    ['👩‍👩‍👧‍👦🇫🇷1️⃣ 👍🏽ok :-) <3', '👩‍👩‍👧‍👦 🇫🇷 1️⃣ 👍🏽 ok :-) <3'],
    ["O'Neill at 7 o'clock", "O'Neill at 7 o ' clock"],
    ['', ''],
  ])('%s', (text, expected) => {
    expect(words(text)).toBe(expected);
  });

  it('marks where sentences start', () => {
    const starts = tokenizeUd('A cat. (It sleeps.) A dog\n\non Mr. Smith!').filter((t) => t.sentenceStart);
    expect(starts.map((t) => t.start)).toEqual([0, 7, 20, 27]);
  });

  it('covers every character but white space exactly once, for any string', () => {
    const alphabet = [
      'a',
      'Z',
      "n't",
      "'",
      '’s',
      '.',
      '-',
      ' ',
      '\n',
      '1',
      ',',
      '(',
      '👩‍👧',
      '\ud83d',
      '\udc00',
      'é',
      '漢',
      'ش',
      '\u0301',
      '\u200d',
      '@',
      '://',
      'www.',
      '<',
      ':)',
    ]; // prettier-ignore
    let seed = 3;
    for (let round = 0; round < 800; round++) {
      let text = '';
      for (let k = 0; k < round % 23; k++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        text += alphabet[seed % alphabet.length];
      }
      let at = 0;
      for (const t of tokenizeUd(text)) {
        expect(t.start).toBeGreaterThanOrEqual(at);
        expect(t.end).toBeGreaterThan(t.start);
        expect(text.slice(at, t.start).trim()).toBe('');
        expect(text.slice(t.start, t.end)).toBe(t.text);
        at = t.end;
      }
      expect(text.slice(at).trim()).toBe('');
    }
  });

  it('reads 10,000 words, or one word of 200,000 characters, without a hang', { timeout: HANG_MS }, () => {
    expect(tokenizeUd('a cat '.repeat(5000))).toHaveLength(10000);
    for (const one of ['a', '.', '-', '(', 'a.', "'", '👩‍', 'a-', '1.', 'a@']) tokenizeUd(one.repeat(50000));
  });
});
