import { describe, expect, test } from 'vitest';
import { parseCsv, writeCsv } from './csv.ts';

describe('writing', () => {
  const lines = (rows: Parameters<typeof writeCsv>[0]) => writeCsv(rows).slice(1).split('\r\n').slice(0, -1);

  test('begins with a byte order mark, ends lines as spreadsheets do', () => {
    expect(writeCsv([['a', 1, null, true], ['b']])).toBe('\uFEFFa,1,,true\r\nb\r\n');
  });

  test('quotes separators, quotes, line ends and spaces at the ends', () => {
    expect(lines([['a,b', 'say "hi"', 'two\nlines', ' x', 'ü 漢 🙂']])).toEqual([
      '"a,b","say ""hi""","two\nlines"," x",ü 漢 🙂',
    ]);
  });

  test('no text becomes a formula, and numbers stay numbers', () => {
    expect(lines([['=1+1', '+a', '-b', '@sum', ' =1', '＝1', '\tx', '=a,"b"']])).toEqual([
      `'=1+1,'+a,'-b,'@sum,' =1,'＝1,"'\tx","'=a,""b"""`,
    ]);
    expect(lines([[-0.25, '-0.25', 1e21]])).toEqual(['-0.25,-0.25,1e+21']);
  });

  test('what is not a number is refused', () => {
    expect(() => writeCsv([[Number.NaN]])).toThrow(RangeError);
  });
});

describe('reading', () => {
  test('what was written comes back', () => {
    const rows = [
      ['file', 'prompt'],
      ['a b.png', 'a "red" hat,\r\nwet; 漢'],
      ['', 'last is empty', ''],
    ];
    expect(parseCsv(writeCsv(rows))).toEqual(rows);
  });

  test.each([
    ['comma', 'a,b\nc,d'],
    ['semicolon', 'a;b\r\nc;d\r\n'],
    ['tab', 'a\tb\rc\td\r'],
  ])('separated by %s', (_, text) => {
    expect(parseCsv(text)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('the separator is that of the first line; in quotes nothing counts', () => {
    expect(parseCsv('"x;y;z",p\n"1\n2",q,r')).toEqual([
      ['x;y;z', 'p'],
      ['1\n2', 'q', 'r'],
    ]);
  });

  test('empty lines are none, an empty last cell is one, a quote inside a word is a quote', () => {
    expect(parseCsv('\n\na,\n\n5" nail,x')).toEqual([
      ['a', ''],
      ['5" nail', 'x'],
    ]);
    expect(parseCsv('')).toEqual([]);
  });

  test('a quote that is never closed is named by its line', () => {
    expect(() => parseCsv('a,b\nc,"d\ne')).toThrow('the quote that begins in line 2 is never closed');
  });
});
