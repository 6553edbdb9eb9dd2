import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { matchFiles } from '../../src/calibration/matchFiles.ts';
import { parseRatings } from '../../src/calibration/parseRatings.ts';
import type { ImageRatings } from '../../src/calibration/ratings.ts';
import { UserError } from '../../src/errors.ts';
import { parseCsv } from '../../src/table/csv.ts';

/** Rated images of one table. */
export interface RatedSet {
  /** As the table's file, or files, are named. */
  readonly name: string;
  readonly rated: readonly { readonly ratings: ImageRatings; readonly path: string }[];
  /** Rated images that are not there. */
  readonly missing: number;
}

/**
 * The tables of ratings in a folder with the images they speak of:
 * AGIQA-3K (`data.csv`: `name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align`), AIGIQA-20K (`info_train.csv`,
 * `info_val.csv`, `info_test.csv`, taken together: `name,prompt,mos`; folders `train`, `val`, `test`), AVT AI images
 * (`ratings.csv`, `quality.csv`, and `prompts.csv`: `ID,prompts`), and any table that the app takes.
 *
 * @throws {UserError} `TableError`: there is no such table, or none of its images
 */
export function ratedSets(folder: string): RatedSet[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  const images = files.filter((path) => /\.(png|jpe?g|webp)$/i.test(path));
  const prompts = promptsById(join(folder, 'prompts.csv'));
  const tables: { name: string; images: readonly ImageRatings[] }[] = [];
  const reasons: string[] = [];
  for (const file of files.filter((path) => /\.csv$/i.test(path) && !path.includes('/')).sort()) {
    try {
      const { images } = parseRatings(readFileSync(join(folder, file), 'utf8'), { name: file });
      const split = tables.find(({ name }) => name.startsWith('info_') && file.startsWith('info_'));
      if (split) Object.assign(split, { name: `${split.name}, ${file}`, images: [...split.images, ...images] });
      else tables.push({ name: file, images });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      reasons.push(error.message);
    }
  }
  const sets = tables.map(({ name, images: rows }): RatedSet => {
    const { paths } = matchFiles(
      rows.map(({ file }) => file),
      images,
    );
    const rated = rows.flatMap((row, i) => {
      const path = paths[i];
      if (!path) return [];
      const id = row.prompt ?? basename(row.file).replace(/\.[^.]+$/, '');
      return [{ ratings: { ...row, prompt: prompts.get(id) ?? row.prompt }, path: join(folder, path) }];
    });
    return { name, rated, missing: rows.length - rated.length };
  });
  const usable = sets.filter(({ rated }) => rated.length > 0);
  if (usable.length === 0) {
    const why = sets.map(({ name, missing }) => `none of the ${missing} images of "${name}" is there`);
    throw new UserError(
      'TableError',
      `Nothing to evaluate in "${folder}": ${[...why, ...reasons].join('; ') || 'no .csv file'}`,
    );
  }
  return usable;
}

/** Prompts that tables name by an id. */
function promptsById(path: string): Map<string, string> {
  if (!existsSync(path)) return new Map();
  const [header = [], ...rows] = parseCsv(readFileSync(path, 'utf8'));
  const id = header.indexOf('ID');
  const text = header.indexOf('prompts');
  return new Map(rows.map((row) => [row[id] ?? '', row[text] ?? '']));
}
