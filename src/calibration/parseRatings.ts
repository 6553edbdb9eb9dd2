import { UserError } from '../errors.ts';
import { parseCsv } from '../table/csv.ts';
import { type ImageRatings, type RatedQuality, type RatingsTable, ratedQualities } from './ratings.ts';

type Column = RatedQuality | 'file' | 'prompt';

/**
 * What columns may be called, lower case, anything but letters and digits as one space; earlier names win. Among them those of
 * AGIQA-3K and AIGIQA-20K (`name`, `prompt`, `mos_quality`, `mos_align`, `mos`) and of AVT AI images (`image_key`, `appeal_mean`,
 * `realism_mean`, `prompt_matching_mean`).
 */
const columnNames: Readonly<Record<Column, readonly string[]>> = {
  file: ['file', 'filename', 'file name', 'image', 'image key', 'image name', 'name', 'path', 'img id'],
  rating: ['rating', 'quality', 'mos quality', 'mos', 'score', 'overall', 'appeal mean', 'appeal'],
  technical: ['technical', 'technical quality'],
  rationality: ['rationality', 'rational'],
  naturalness: ['naturalness', 'natural', 'realism', 'realism mean'],
  alignment: ['alignment', 'mos align', 'mos alignment', 'match', 'prompt matching mean', 'prompt match'],
  prompt: ['prompt'],
};

/** Most rows of a table that are used. */
export const MAX_RATED_IMAGES = 100_000;

/**
 * Reads a table of ratings: one row per image, a column that names its file, one with its rating, and optionally the factors',
 * the alignment's and the prompt. Several ratings of one file are averaged. A decimal comma is understood.
 *
 * @param options.name of the table, for errors
 * @throws {UserError} `TableError`: names the row and the column that cannot be used, or the columns that are missing
 */
export function parseRatings(text: string, { name }: { readonly name: string }): RatingsTable {
  const fail = (what: string) => new UserError('TableError', `Cannot read "${name}": ${what}`);
  let rows: string[][];
  try {
    rows = parseCsv(text);
  } catch (error) {
    throw error instanceof SyntaxError ? fail(error.message) : error;
  }
  const [header = [], ...body] = rows;
  const columns = findColumns(header);
  const missing = (['file', 'rating'] as const).find((column) => !columns.has(column));
  if (missing) {
    const found = header.map((title) => `"${title.trim()}"`).join(', ') || 'nothing';
    throw fail(
      `no column "${missing}" in its first row, found ${found}; the table needs "file" and "rating", and may have "technical", ` +
        '"rationality", "naturalness", "alignment" and "prompt"',
    );
  }
  if (body.length > MAX_RATED_IMAGES) throw fail(`it has ${body.length} rows, at most ${MAX_RATED_IMAGES} are used`);

  const rated = new Map<string, ImageRatings[]>();
  body.forEach((cells, i) => {
    const cell = (column: Column) => cells[columns.get(column) ?? -1]?.trim() ?? '';
    const where = (column: Column) => `row ${i + 2}, column "${header[columns.get(column) ?? 0]?.trim()}"`;
    if (cells.every((each) => each.trim() === '')) return;
    const file = cell('file');
    if (file === '') throw fail(`${where('file')} is empty; expected the name of an image`);
    const ratings = ratedQualities.map((quality): [RatedQuality, number | null] => {
      const written = cell(quality);
      const value = Number(written.replace(/^(-?\d+),(\d+)$/, '$1.$2'));
      if (!Number.isFinite(value)) throw fail(`${where(quality)} is "${written}", expected a number (of "${file}")`);
      return [quality, written === '' ? null : value];
    });
    const image = { file, prompt: cell('prompt') || null, ...(Object.fromEntries(ratings) as Ratings) };
    const known = rated.get(file);
    if (known) known.push(image);
    else rated.set(file, [image]);
  });
  const images = [...rated.values()].map(averaged).filter(({ rating }) => rating !== null);
  if (images.length === 0) throw fail(`no row has a rating in column "${header[columns.get('rating') ?? 0]?.trim()}"`);

  const repeated = [...rated.values()].filter(({ length }) => length > 1).length;
  const unrated = rated.size - images.length;
  return {
    images,
    columns: Object.fromEntries([...columns].map(([column, at]) => [column, header[at]?.trim()])),
    ignored: header.filter((title, at) => title.trim() !== '' && ![...columns.values()].includes(at)),
    hints: [
      ...(repeated > 0
        ? [`${repeated} ${repeated === 1 ? 'image has' : 'images have'} several rows; their mean is used.`]
        : []),
      ...(unrated > 0
        ? [`${unrated} ${unrated === 1 ? 'image has no rating and is' : 'images have no rating and are'} left out.`]
        : []),
    ],
  };
}

type Ratings = Readonly<Record<RatedQuality, number | null>>;

/** Where each column stands that the header has. */
function findColumns(header: readonly string[]): Map<Column, number> {
  const titles = header.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim(),
  );
  const found = new Map<Column, number>();
  for (const [column, names] of Object.entries(columnNames) as [Column, readonly string[]][]) {
    const title = names.find((name) => titles.includes(name));
    if (title !== undefined) found.set(column, titles.indexOf(title));
  }
  return found;
}

/** Several people's ratings of one image as one. */
function averaged(images: readonly ImageRatings[]): ImageRatings {
  const [first] = images as [ImageRatings];
  const mean = (quality: RatedQuality) => {
    const values = images.flatMap((image) => image[quality] ?? []);
    return values.length > 0 ? values.reduce((a, b) => a + b) / values.length : null;
  };
  const ratings = Object.fromEntries(ratedQualities.map((quality) => [quality, mean(quality)])) as Ratings;
  return { file: first.file, prompt: images.find(({ prompt }) => prompt)?.prompt ?? null, ...ratings };
}
