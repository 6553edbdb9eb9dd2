/** The tables of the evaluation: each measure beside its bar. */
import { spearman } from '../../src/math/correlation.ts';
import { formatMeasure, isNegativeOptimisation, type MeasureId, measures } from '../../src/measures/measures.ts';
import type { StrategyId } from '../../src/pipeline/strategy.ts';
import { isDamage, showsPrompt } from './cases.ts';
import type { MapsMeasured } from './measureMaps.ts';
import type { RefineMeasured } from './measureRefine.ts';
import { balancedAccuracy } from './truth.ts';

/** One line of a table. */
export interface Row {
  readonly name: string;
  /** NaN: there was nothing to measure it on. */
  readonly value: number;
  readonly bar: number;
  /** Whether the value is to be at most the bar. */
  readonly atMost?: true;
  /** How many cases, phrases or pictures it is a mean of. */
  readonly count: number;
}

/** Whether a row passes; a value that could not be measured does not. */
export function passes({ value, bar, atMost }: Row): boolean {
  return atMost ? value <= bar : value >= bar;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const share = (values: readonly boolean[]) => mean(values.map(Number));

/** What the maps are worth. */
export function mapsRows(all: readonly MapsMeasured[]): readonly Row[] {
  const pixels = (kind: MapsMeasured['kind'], bar: number): Row => {
    const values = all.flatMap((one) => (one.kind === kind && one.pixels !== null ? one.pixels : []));
    return { name: `PQ-Map, pixels of ${kind} damage (AUROC)`, value: mean(values), bar, count: values.length };
  };
  const graded = all.filter(({ kind }) => isDamage(kind) || kind === 'clean');
  const hurt = graded.filter(isHurt);
  const rank = (of: readonly MapsMeasured[]) => strengthRank(of, ({ score }) => score);
  const phrases = all.flatMap((one) => one.phrases);
  const absent = phrases.map(({ truth, status }) => ({ truth: truth === 'absent', told: status === 'missing' }));
  const named = phrases.filter(({ truth }) => truth !== 'absent');
  const wrong = named.map(({ truth, status }) => ({ truth: truth === 'wrong', told: status !== 'ok' }));
  const peaks = all.flatMap(({ peak }) => peak ?? []);
  return [
    pixels('technical', 0.93),
    pixels('rationality', 0.8),
    pixels('naturalness', 0.85),
    { name: 'PQ, rank correlation with the strength of the damage', value: rank(hurt), bar: 0.85, count: hurt.length },
    { name: 'the same with undamaged pictures', value: rank(graded), bar: 0.85, count: graded.length },
    { name: 'AQ, absent object (balanced accuracy)', value: balancedAccuracy(absent), bar: 0.92, count: absent.length },
    { name: 'AQ, wrong attribute (balanced accuracy)', value: balancedAccuracy(wrong), bar: 0.85, count: wrong.length },
    { name: 'AQ-Map, peak on the wrongly described object', value: share(peaks), bar: 0.85, count: peaks.length },
  ];
}

const isHurt = ({ strength }: MapsMeasured) => strength > 0;

/** How well a rating ranks pictures by the strength of their damage: 1 where the worst is rated lowest. */
function strengthRank(of: readonly MapsMeasured[], rating: (one: MapsMeasured) => number): number {
  return of.length < 3
    ? Number.NaN
    : -spearman(
        of.map(rating),
        of.map(({ strength }) => strength),
      );
}

/** A sentence: how well the true error ranks the strength of the damage, beside what the score reaches. Empty: nothing is damaged. */
export function trueErrorNote(all: readonly MapsMeasured[]): string {
  const reached = strengthRank(all.filter(isHurt), ({ psnr }) => psnr);
  return Number.isNaN(reached)
    ? ''
    : `For comparison: the error itself, which only the right picture tells (PSNR of the whole), ranks the strength of the damage with ${reached.toFixed(3)}: strengths of different faults are hardly alike.`;
}

/** A sentence: of how many pictures the match, Q_A, is on the right side of one half. Empty: none has one. */
export function matchNote(all: readonly MapsMeasured[]): string {
  const matches = (shown: boolean) =>
    all.flatMap(({ kind, match }) => (match !== null && showsPrompt(kind) === shown ? match : []));
  const [following, other] = [matches(true), matches(false)];
  if (following.length + other.length === 0) return '';
  const above = (values: readonly number[]) => `${values.filter((match) => match >= 0.5).length} of ${values.length}`;
  return `The match (Q_A) is 0.5 or more for ${above(following)} pictures that show all of their prompt, and for ${above(other)} that do not.`;
}

/** Difference of PSNR that counts as one, in dB. */
const FALLEN = 0.2;

/** Whether a picture got worse by what is known of it: further from the right one, or a solid less. */
export function isWorse({ asked, othersBefore, othersAfter, wholeBefore, wholeAfter }: Judged): boolean {
  return asked ? othersAfter < othersBefore : wholeAfter < wholeBefore - FALLEN;
}

interface Judged extends Pick<RefineMeasured, 'othersBefore' | 'othersAfter' | 'wholeBefore' | 'wholeAfter'> {
  /** Whether something was asked for that the picture lacked. */
  readonly asked: boolean;
}

/** How much nearer damage has to come to the right picture to count as repaired, in dB: smoothing alone brings smaller gains. */
const REPAIRED = 1;

/** How much nearer the damage came to the right picture, in dB; null: nothing is damaged. */
function gainOf({ psnrBefore, psnrAfter }: RefineMeasured): number | null {
  return psnrBefore === null || psnrAfter === null ? null : psnrAfter - psnrBefore;
}

/** Of the pictures with a fault the judge can tell: how many have it no more. NaN: there is none. */
export function repairedShare(all: readonly RefineMeasured[]): number {
  const repaired = all.flatMap((one) => {
    const gain = gainOf(one);
    if (gain !== null) return gain >= REPAIRED;
    return isTold(one.fault) ? one.askedAfter === true : [];
  });
  return share(repaired);
}

/** Whether the judge tells this misfit with the prompt: it sees shape and colour. */
const isTold = (fault: string) => /^(absent|wrong colour|wrong shape)$/.test(fault);

/** What refining is worth, and stage 1 alone, whose results `repainted` are. */
export function refineRows(all: readonly RefineMeasured[], repainted: readonly RefineMeasured[]): readonly Row[] {
  const asked = all.filter(({ fault }) => isTold(fault));
  const damaged = all.flatMap((one) => gainOf(one) ?? []).map((gain) => gain > 0);
  const looked = all.flatMap(({ looksBefore, looksAfter }) =>
    looksBefore === null || looksAfter === null ? [] : looksAfter < looksBefore,
  );
  const clean = all.filter(({ kind }) => kind === 'clean').map(({ isIdentical }) => isIdentical);
  const outside = repainted.map(({ changedOutside }) => changedOutside === 0);
  const worse = all.map((one) => isWorse({ ...one, asked: one.askedBefore !== null }));
  const fallen = all.map(({ qualityBefore, qualityAfter }) => qualityAfter < qualityBefore);
  return [
    {
      name: 'asked-for object seen before',
      value: share(asked.map(({ askedBefore }) => askedBefore === true)),
      bar: 0.1,
      atMost: true,
      count: asked.length,
    },
    {
      name: 'asked-for object seen after',
      value: share(asked.map(({ askedAfter }) => askedAfter === true)),
      bar: 0.8,
      count: asked.length,
    },
    { name: 'damage closer to the right picture (PSNR)', value: share(damaged), bar: 0.9, count: damaged.length },
    { name: 'damage looks closer to it (LPIPS-like)', value: share(looked), bar: 0.9, count: looked.length },
    { name: 'matching, undamaged pictures left byte-identical', value: share(clean), bar: 0.95, count: clean.length },
    { name: 'stage 1: no pixel changed outside of the mask', value: share(outside), bar: 1, count: outside.length },
    { name: 'score below the input’s', value: share(fallen), bar: 0.02, atMost: true, count: fallen.length },
    { name: 'got worse by what is known', value: share(worse), bar: 0.02, atMost: true, count: worse.length },
  ];
}

/** A Markdown table of rows beside their bars. */
export function barsTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { name, value, bar, atMost, count } = row;
    const found = Number.isNaN(value) ? 'not measured' : value.toFixed(3);
    return `| ${name} | ${found} | ${atMost ? '≤' : '≥'} ${bar} | ${passes(row) ? 'yes' : 'no'} | ${count} |`;
  });
  return ['| | measured | bar | reached | of |', '|---|---|---|---|---|', ...lines].join('\n');
}

/** A Markdown table, and what it counts as repaired: what each strategy does to the same pictures. */
export function strategyTable(
  results: Readonly<Partial<Record<StrategyId, readonly RefineMeasured[]>>>,
  titles: Readonly<Partial<Record<StrategyId, string>>>,
): string {
  const [first] = Object.values(results);
  const untouched = (first ?? []).map((one) => ({
    ...one,
    askedAfter: one.askedBefore,
    othersAfter: one.othersBefore,
    psnrAfter: one.psnrBefore,
    looksAfter: one.looksBefore,
    wholeAfter: one.wholeBefore,
    isIdentical: true,
    qualityAfter: one.qualityBefore,
    took: 0,
  }));
  const columns: [string, readonly RefineMeasured[]][] = [
    ...Object.entries(results).map(([id, all]): [string, readonly RefineMeasured[]] => [
      titles[id as StrategyId] ?? id,
      all ?? [],
    ]),
    ['no refining', untouched],
  ];
  const lines = columns.map(([title, all]) => {
    const rows = refineRows(all, []);
    const gain = all.flatMap((one) => gainOf(one) ?? []);
    const cells = [
      written(repairedShare(all)),
      written(rows[1]?.value),
      Number.isNaN(mean(gain)) ? '–' : `${mean(gain).toFixed(1)} dB`,
      written(rows[2]?.value),
      written(rows[3]?.value),
      written(rows[4]?.value),
      written(rows[6]?.value),
      written(rows[7]?.value),
      `${(100 * mean(all.map(({ qualityBefore }) => qualityBefore))).toFixed(0)} → ${(100 * mean(all.map(({ qualityAfter }) => qualityAfter))).toFixed(0)}`,
      `${mean(all.map(({ took }) => took)).toFixed(1)} s`,
    ];
    return `| ${title} | ${cells.join(' | ')} |`;
  });
  return [
    '| | faults repaired | asked-for object seen | gain in the damage | damage closer (PSNR) | damage closer (LPIPS-like) | good ones untouched | score fell | got worse | score of 100 | a picture takes |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...lines,
    '',
    `Repaired: what was asked for is seen, or the damage is at least ${REPAIRED} dB nearer to the right picture.`,
  ].join('\n');
}

/** Measures that say how good a picture is, and those that say how far it is from the one that came in. */
const COMPARED = ['quality', 'match', 'clipIqa', 'clipScore', 'niqe', 'brisque', 'ssim', 'psnr'] as const;

/** A Markdown table: means of the app's measures after each strategy, and in brackets for how many pictures one got worse. */
export function measuresTable(
  results: Readonly<Partial<Record<StrategyId, readonly RefineMeasured[]>>>,
  titles: Readonly<Partial<Record<StrategyId, string>>>,
): string {
  const meanOf = (all: readonly (number | null)[]) => {
    const known = all.filter((value) => value !== null);
    return known.length === 0 ? null : mean(known);
  };
  const [first = []] = Object.values(results);
  const input = COMPARED.map((id) => formatMeasure(id, meanOf(first.map((one) => one.measuresBefore[id]))));
  const lines = Object.entries(results).map(([strategy, all = []]) => {
    const worse = (id: MeasureId) =>
      all.filter(({ measuresBefore, measuresAfter }) =>
        isNegativeOptimisation(id, { before: measuresBefore[id], after: measuresAfter[id] }),
      ).length;
    const judged = COMPARED.filter((id) => !measures[id].needs.input);
    const cells = COMPARED.map((id) => {
      const value = formatMeasure(id, meanOf(all.map((one) => one.measuresAfter[id])));
      return measures[id].needs.input ? value : `${value} (${worse(id)})`;
    });
    const total = judged.reduce((sum, id) => sum + worse(id), 0) / (judged.length * all.length);
    return `| ${titles[strategy as StrategyId] ?? strategy} | ${cells.join(' | ')} | ${(100 * total).toFixed(1)} % |`;
  });
  return [
    `| | ${COMPARED.map((id) => `${measures[id].name.replace(/ \(.*/, '')} ${measures[id].higherIsBetter ? '↑' : '↓'}`).join(' | ')} | negative optimisations |`,
    `|${'---|'.repeat(COMPARED.length + 2)}`,
    `| the picture itself | ${input.join(' | ')} | |`,
    ...lines,
  ].join('\n');
}

const written = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(2));

/** Marks in a document between which a command writes. */
export const MARKS = {
  evaluate: ['<!-- evaluate: written by npm run evaluate -->', '<!-- evaluate: end -->'],
  compare: ['<!-- compare: written by npm run compare -->', '<!-- compare: end -->'],
} as const;

/** A document with what stands between a command's marks replaced. @throws {RangeError} the marks are not there */
export function withTables(document: string, command: keyof typeof MARKS, tables: string): string {
  const marks = MARKS[command];
  const [start, end] = [document.indexOf(marks[0]), document.indexOf(marks[1])];
  if (start < 0 || end < start) throw new RangeError(`The document has no ${marks.join(' … ')}`);
  return `${document.slice(0, start + marks[0].length)}\n\n${tables}\n\n${document.slice(end)}`;
}
