import { existsSync, readFileSync } from 'node:fs';
import type { RgbaImage } from '../../src/image/rgbaImage.ts';
import { spearman } from '../../src/math/correlation.ts';
import { brisque } from '../../src/measures/brisque.ts';
import { type GrayImage, halved, luminance } from '../../src/measures/grayImage.ts';
import brisqueModel from '../../src/measures/models/brisque.json' with { type: 'json' };
import niqeModel from '../../src/measures/models/niqe.json' with { type: 'json' };
import { niqe } from '../../src/measures/niqe.ts';

/** One image: the published numbers, computed at its full size, and ours, of a copy of at most 512 px and of half of that. */
interface Row {
  readonly model: string;
  readonly published: Readonly<Record<Name, number>>;
  readonly ours: Readonly<Record<Name, number | null>>;
  readonly halfSize: Readonly<Record<Name, number | null>>;
}

type Name = 'NIQE' | 'BRISQUE';
const NAMES = ['NIQE', 'BRISQUE'] as const;

/** Prints rank correlations with the published columns, by generator, and what halving the images does to ours; then the speed. */
export function evaluateMeasures({ published, pixels }: { published: string; pixels: string }): void {
  const rows = readRows({ published, pixels });
  const groups = ['all', ...new Set(rows.map(({ model }) => model))];
  for (const name of NAMES) {
    console.log(`\n${name}: Spearman with the published column`);
    console.table(
      Object.fromEntries(
        groups.map((group) => {
          const those = rows.filter(({ model }) => group === 'all' || model === group);
          return [group, correlations(those, name)];
        }),
      ),
    );
  }
  const large = noise(2048);
  const gray = luminance(large);
  console.log('\n2048 × 2048 pixels, ms of processor time, the best of three:');
  console.table({
    luminance: best(() => luminance(large)),
    NIQE: best(() => niqe(gray, niqeModel)),
    BRISQUE: best(() => brisque(gray, brisqueModel)),
  });
}

function correlations(rows: readonly Row[], name: Name) {
  const known = rows.filter(({ ours }) => ours[name] !== null);
  const both = known.filter(({ halfSize }) => halfSize[name] !== null);
  const values = (of: readonly Row[], pick: (row: Row) => number | null) => of.map((row) => pick(row) as number);
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const round = (value: number) => Number(value.toFixed(3));
  const theirs = values(known, ({ published }) => published[name]);
  const ours = values(known, (row) => row.ours[name]);
  return {
    images: known.length,
    'ours, published': round(spearman(ours, theirs)),
    'ours at half size, ours': round(
      spearman(
        values(both, (row) => row.halfSize[name]),
        values(both, (row) => row.ours[name]),
      ),
    ),
    'mean, ours': round(mean(ours)),
    'mean, published': round(mean(theirs)),
  };
}

function readRows({ published, pixels }: { published: string; pixels: string }): Row[] {
  const columns = new Map<string, Record<string, number>>();
  for (const line of readFileSync(published, 'utf8').trim().split('\n').slice(1)) {
    const [model = '', metric = '', image = '', score] = line.split(',');
    const key = `${model}-${image.replace(/\.\w+$/, '')}`;
    columns.set(key, { ...columns.get(key), [metric]: Number(score) });
  }
  return [...columns].flatMap(([key, { NIQE, BRISQUE }]) => {
    const path = `${pixels}/${key}.ppm`;
    if (!existsSync(path) || NIQE === undefined || BRISQUE === undefined) return [];
    const gray = luminance(readPpm(path));
    return [
      {
        model: key.replace(/-p\d+$/, ''),
        published: { NIQE, BRISQUE },
        ours: measured(gray),
        halfSize: measured(halved(gray)),
      },
    ];
  });
}

function measured(gray: GrayImage): Record<Name, number | null> {
  return { NIQE: niqe(gray, niqeModel), BRISQUE: brisque(gray, brisqueModel) };
}

function readPpm(path: string): RgbaImage {
  const bytes = readFileSync(path);
  const header = /^P6\s(\d+)\s(\d+)\s255\s/.exec(bytes.toString('latin1', 0, 40));
  if (!header) throw new Error(`${path} is no PPM of 8 bits`);
  const [start, width, height] = [header[0].length, Number(header[1]), Number(header[2])];
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = bytes[start + 3 * i + c] as number;
  }
  return { width, height, data };
}

function noise(side: number): RgbaImage {
  let state = 1;
  const data = Uint8ClampedArray.from({ length: side * side * 4 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return { width: side, height: side, data };
}

function best(work: () => unknown): number {
  return Math.round(
    Math.min(
      ...[0, 1, 2].map(() => {
        const start = process.cpuUsage();
        work();
        return process.cpuUsage(start).user / 1000;
      }),
    ),
  );
}
