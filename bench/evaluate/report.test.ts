import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { noMeasures } from '../../src/measures/measures.ts';
import type { MapsMeasured } from './measureMaps.ts';
import type { RefineMeasured } from './measureRefine.ts';
import {
  barsTable,
  MARKS,
  mapsRows,
  matchNote,
  measuresTable,
  passes,
  refineRows,
  repairedShare,
  strategyTable,
  trueErrorNote,
  withTables,
} from './report.ts';

const maps = (part: Partial<MapsMeasured>): MapsMeasured => ({
  kind: 'clean',
  fault: 'none',
  strength: 0,
  score: 1,
  match: 1,
  psnr: 99,
  pixels: null,
  pixelsOfFactor: null,
  phrases: [],
  peak: null,
  took: 1,
  ...part,
});
const refined = (part: Partial<RefineMeasured>): RefineMeasured => ({
  kind: 'clean',
  fault: 'none',
  outcome: 'nothingToRepair',
  askedBefore: null,
  askedAfter: null,
  othersBefore: 2,
  othersAfter: 2,
  looksBefore: null,
  looksAfter: null,
  psnrBefore: null,
  psnrAfter: null,
  wholeBefore: 99,
  wholeAfter: 99,
  isIdentical: true,
  changedOutside: 0,
  qualityBefore: 0.5,
  qualityAfter: 0.5,
  measuresBefore: noMeasures.values,
  measuresAfter: noMeasures.values,
  took: 1,
  ...part,
});
const rowOf = (rows: ReturnType<typeof mapsRows>, name: string) => rows.find((row) => row.name.startsWith(name));

test('maps: each measure is a mean over what it is about', () => {
  const rows = mapsRows([
    maps({ kind: 'technical', strength: 0.9, score: 0.2, pixels: 0.9 }),
    maps({ kind: 'technical', strength: 0.5, score: 0.5, pixels: 1 }),
    maps({ kind: 'rationality', strength: 0.3, score: 0.7, pixels: 0.6 }),
    maps({
      kind: 'absent',
      phrases: [
        { truth: 'absent', status: 'missing' },
        { truth: 'ok', status: 'ok' },
      ],
    }),
    maps({ kind: 'attribute', peak: true, phrases: [{ truth: 'wrong', status: 'ok' }] }),
    maps({ kind: 'attribute', peak: false, phrases: [{ truth: 'wrong', status: 'wrongAttribute' }] }),
  ]);
  expect(rowOf(rows, 'PQ-Map, pixels of technical')).toMatchObject({ value: 0.95, count: 2 });
  expect(rowOf(rows, 'PQ, rank')).toMatchObject({ value: 1, count: 3 });
  expect(rowOf(rows, 'AQ, absent')).toMatchObject({ value: 1, count: 4 });
  expect(rowOf(rows, 'AQ, wrong')).toMatchObject({ value: 0.75, count: 3 });
  expect(rowOf(rows, 'AQ-Map')).toMatchObject({ value: 0.5, count: 2 });
  const nothing = rowOf(rows, 'PQ-Map, pixels of naturalness');
  expect(nothing?.value).toBeNaN();
  expect(nothing && passes(nothing)).toBe(false);
  expect(barsTable(rows)).toContain('| not measured | ≥ 0.85 | no | 0 |');
});

test('refining: what was asked for, what was damaged, what was good, and what got worse', () => {
  const all = [
    refined({ kind: 'absent', fault: 'absent', askedBefore: false, askedAfter: true }),
    refined({ kind: 'attribute', fault: 'wrong colour', askedBefore: false, askedAfter: true, othersAfter: 1 }),
    refined({ kind: 'attribute', fault: 'wrong size', askedBefore: true, askedAfter: true }),
    refined({
      kind: 'technical',
      psnrBefore: 20,
      psnrAfter: 25,
      looksBefore: 0.4,
      looksAfter: 0.1,
      wholeBefore: 25,
      wholeAfter: 29,
    }),
    refined({ isIdentical: false, wholeAfter: 40, qualityAfter: 0.4 }),
  ];
  const rows = refineRows(all, [refined({ changedOutside: 1 }), refined({})]);
  expect(rows.map(({ value }) => value)).toEqual([0, 1, 1, 1, 0, 0.5, 1 / 5, 2 / 5]);
  expect(rows.map(passes)).toEqual([true, true, true, true, false, false, false, false]);
  const table = strategyTable({ gRefine: all }, { gRefine: 'G-Refine' });
  expect(table).toContain('| G-Refine | 1.00 | 1.00 | 5.0 dB | 1.00 | 1.00 | 0.00 | 0.20 | 0.40 |');
  expect(table).toContain('| no refining | 0.00 | 0.00 | 0.0 dB | 0.00 | 0.00 | 1.00 | 0.00 | 0.00 |');
});

test('a fault is repaired when what was asked for is seen, or damage is clearly nearer', () => {
  const damaged = (psnrAfter: number) => refined({ kind: 'technical', fault: 'blur', psnrBefore: 20, psnrAfter });
  const missed = (askedAfter: boolean) => refined({ kind: 'absent', fault: 'absent', askedBefore: false, askedAfter });
  expect(repairedShare([damaged(21), damaged(20.9), missed(true), missed(false)])).toBe(0.5);
  // What the judge cannot tell, and what has no fault, says nothing.
  const wrongSize = refined({ kind: 'attribute', fault: 'wrong size', askedBefore: true, askedAfter: true });
  expect(repairedShare([refined({}), wrongSize, missed(true)])).toBe(1);
  expect(repairedShare([refined({})])).toBeNaN();
});

test('measures: means afterwards, and what got worse in the way a measure counts', () => {
  const of = (quality: number, niqe: number) => ({ ...noMeasures.values, quality, niqe });
  const all = [
    refined({ measuresBefore: of(0.4, 4), measuresAfter: of(0.8, 5) }),
    refined({ measuresBefore: of(0.4, 4), measuresAfter: { ...of(0.2, 3), ssim: 0.9 } }),
  ];
  const table = measuresTable({ gRefine: all, repaintOnly: [] }, { gRefine: 'G-Refine' }).split('\n');
  expect(table[0]).toContain('| Quality ↑ | Match ↑ | CLIP-IQA ↑ | CLIPScore ↑ | NIQE ↓ |');
  expect(table[2]).toBe('| the picture itself | 40 | – | – | – | 4.00 | – | – | – | |');
  expect(table[3]).toBe('| G-Refine | 50 (1) | – (0) | – (0) | – (0) | 4.00 (1) | – (0) | 0.900 | – | 16.7 % |');
});

test.each(['evaluate', 'compare'] as const)(
  'tables of %s are written between its marks and nowhere else',
  (command) => {
    const [start, end] = MARKS[command];
    expect(withTables(`a\n${start}\nold\n${end}\nb`, command, 'new')).toBe(`a\n${start}\n\nnew\n\n${end}\nb`);
    expect(() => withTables('a', command, 'new')).toThrow(RangeError);
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(withTables(readme, command, 'new')).toContain('new');
  },
);

test('maps: what the true error ranks is told beside it', () => {
  const hurt = [
    maps({ kind: 'technical', strength: 0.9, psnr: 20 }),
    maps({ kind: 'technical', strength: 0.5, psnr: 21 }),
    maps({ kind: 'naturalness', strength: 0.3, psnr: 30 }),
  ];
  expect(trueErrorNote([...hurt, maps({})])).toContain('with 1.000');
  expect(trueErrorNote([...hurt, maps({ kind: 'technical', strength: 0.4, psnr: 10 })])).toContain('with 0.400');
  expect(trueErrorNote([maps({})])).toBe('');
});

test('beside the maps: how often the match says whether a picture shows its prompt', () => {
  const all = [maps({}), maps({ kind: 'technical', match: 0.4 }), maps({ kind: 'absent', match: 0.6 })];
  expect(matchNote([...all, maps({ kind: 'attribute', match: 0.1 }), maps({ match: null })])).toMatch(
    /for 1 of 2 pictures that show all of their prompt, and for 1 of 2 that do not/,
  );
  expect(matchNote([maps({ match: null })])).toBe('');
});
