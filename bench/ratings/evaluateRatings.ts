import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alignmentOf } from '../../src/calibration/alignmentLearning.ts';
import type { Agreement, CalibrationReport } from '../../src/calibration/calibration.ts';
import { agreement } from '../../src/calibration/crossValidate.ts';
import { learnFromRatings, type MeasuredImage } from '../../src/calibration/learnFromRatings.ts';
import { perceptualScores } from '../../src/calibration/learnWords.ts';
import { readFeatures, writeFeatures } from '../../src/calibration/ratingFeatures.ts';
import { fewestImages } from '../../src/calibration/ratings.ts';
import { UserError } from '../../src/errors.ts';
import { chooseImageSize } from '../../src/pipeline/analyse.ts';
import { measureForRating } from '../../src/pipeline/measureForRating.ts';
import { qualityWords } from '../../src/pipeline/wordFeatures.ts';
import { DependencyParser } from '../../src/prompt/parser/dependencyParser.ts';
import type { PromptReader } from '../../src/prompt/phrase.ts';
import { promptReader } from '../../src/prompt/promptReader.ts';
import { defaultAlignmentThresholds } from '../../src/quality/alignmentScore.ts';
import { perceptualBounds } from '../../src/quality/perceptualMap.ts';
import { type NodeClip, nodeClip } from './nodeClip.ts';
import { nodeImage } from './nodeImage.ts';
import { type RatedSet, ratedSets } from './ratedSets.ts';

/** What is to be evaluated. */
export interface EvaluationOptions {
  /** Folder with images and tables. */
  readonly folder: string;
  /** Folder of a CLIP in hub layout, the authors' `PQ-*.pth` beside it or not. */
  readonly model: string;
  /** Weights of the prompt parser. */
  readonly parser: string;
  /** Where features are kept from run to run; null: nowhere. */
  readonly cache: string | null;
  /** Side in pixels; null: as the app chooses. */
  readonly imageSize: number | null;
  readonly seed: number;
  readonly threads: number;
  readonly print: (line: string) => void;
  readonly onProgress?: (words: string) => void;
}

/** One row of the paper's tables of how scores agree with opinions. */
export interface EvaluationRow {
  readonly set: string;
  /** `quality` (perceptual opinion) or `alignment`. */
  readonly of: 'quality' | 'alignment';
  readonly method: string;
  /** Over which images: all of them, or the mean over held-out folds. */
  readonly over: string;
  readonly agreement: Agreement;
}

/**
 * How well the maps' scores agree with people's ratings (the rows that the paper's Tables 6 and 7 have for its maps): SRCC, KRCC and
 * PLCC, the last without the logistic curve that some fit before it. Zero-shot words, the authors' learned ones where the model has
 * them, and both calibrated by cross-validation.
 *
 * @throws {UserError} `TableError`, `ImageError`, `CheckpointError`, `UnsupportedModelError`
 */
export async function evaluateRatings(options: EvaluationOptions): Promise<EvaluationRow[]> {
  const { folder, model, print } = options;
  const sets = ratedSets(folder);
  const opened = await nodeClip(model, options);
  const readPrompt = promptReader(new DependencyParser(readFileSync(options.parser)));
  const rows: EvaluationRow[] = [];
  for (const set of sets) {
    const images = await measureSet(set, { ...options, opened, readPrompt });
    const found = await evaluateSet(set.name, images, { ...options, opened });
    rows.push(...found);
    print(
      `\n## ${set.name}: ${images.length} images${set.missing > 0 ? `, ${set.missing} rated ones are not there` : ''}\n`,
    );
    printTable(
      'Quality (Table 6)',
      found.filter((row) => row.of === 'quality'),
      print,
    );
    printTable(
      'Alignment (Table 7)',
      found.filter((row) => row.of === 'alignment'),
      print,
    );
  }
  await opened.clip.dispose();
  return rows;
}

type Tools = EvaluationOptions & { readonly opened: NodeClip };

async function evaluateSet(set: string, images: readonly MeasuredImage[], tools: Tools): Promise<EvaluationRow[]> {
  const { opened, seed, onProgress } = tools;
  const { clip, contexts } = opened;
  const rows: EvaluationRow[] = [];
  const add = (of: EvaluationRow['of'], method: string, over: string, found: Agreement) =>
    rows.push({ set, of, method, over, agreement: found });
  const addReport = (
    of: EvaluationRow['of'],
    report: CalibrationReport,
    [before, after]: readonly [string, string],
  ) => {
    const over = `${report.folds.length} held-out folds, mean`;
    add(of, before, over, report.before);
    add(of, `${after}: ${report.verdict}`, over, report.after);
  };
  const ratings = images.map(({ ratings: { rating } }) => rating as number);
  const cls = Float32Array.from(images.flatMap((image) => Array.from(image.cls)));
  let hasAlignment = false;
  for (const mode of ['zeroShot', 'learned'] as const) {
    const words = await qualityWords(clip, { contexts, mode, beforeRun: () => {} });
    if (words.mode !== mode) continue;
    if (words.hint) tools.print(words.hint);
    const scores = perceptualScores(
      { cls, dim: clip.dim },
      { words: words.features, bounds: perceptualBounds, logitScale: clip.logitScale },
    );
    add('quality', `PQ-Map, ${mode}`, 'all', agreement(scores, ratings));
    if (images.length < fewestImages) continue;
    const learned = await learnFromRatings(images, {
      initial: words.features,
      logitScale: clip.logitScale,
      seed,
      onProgress: (done, total) => onProgress?.(`${set}: learning from ${mode} words, fit ${done} of ${total}`),
    });
    addReport('quality', learned.quality, [`PQ-Map, ${mode}`, `PQ-Map, ${mode} calibrated`]);
    if (learned.match && !hasAlignment) {
      addReport('alignment', learned.match, ['AQ-Map', 'AQ-Map, calibrated']);
      hasAlignment = true;
    }
  }
  const aligned = images.filter(({ standing, ratings: { alignment } }) => standing !== null && alignment !== null);
  if (aligned.length > 1) {
    const scores = aligned.map(({ standing }) => (standing ? alignmentOf(standing, defaultAlignmentThresholds) : 0));
    const opinions = aligned.map(({ ratings: { alignment } }) => alignment as number);
    add('alignment', 'AQ-Map', `all (${aligned.length} with a prompt that names things)`, agreement(scores, opinions));
  }
  return rows;
}

/** Features of all images, from the cache where they are known. */
async function measureSet(
  { name, rated }: RatedSet,
  { opened: { clip }, cache, readPrompt, onProgress, ...options }: Tools & { readonly readPrompt: PromptReader },
): Promise<MeasuredImage[]> {
  const imageSize = chooseImageSize(clip, options.imageSize, []);
  const print = createHash('sha256')
    .update(Buffer.from((await clip.fingerprint()).buffer))
    .digest('hex')
    .slice(0, 16);
  const folder = cache && join(cache, `${print}-${imageSize}`);
  if (folder) mkdirSync(folder, { recursive: true });
  const images: MeasuredImage[] = [];
  for (const [i, { ratings, path }] of rated.entries()) {
    onProgress?.(`${name}: image ${i + 1} of ${rated.length}`);
    const prompt = ratings.alignment === null ? null : ratings.prompt;
    const file = folder && join(folder, createHash('sha256').update(readFileSync(path)).digest('hex'));
    const known = file && existsSync(file) ? readFeatures(readFileSync(file, 'utf8'), { dim: clip.dim }) : null;
    if (known && (prompt === null || Object.hasOwn(known.standings, prompt))) {
      images.push({ ratings, cls: known.cls, standing: prompt === null ? null : (known.standings[prompt] ?? null) });
      continue;
    }
    try {
      const { cls, standing } = await measureForRating(await nodeImage(path), { clip, imageSize, prompt, readPrompt });
      if (file) {
        const standings = { ...known?.standings, ...(prompt !== null && { [prompt]: standing }) };
        writeFileSync(file, writeFeatures({ cls, standings }));
      }
      images.push({ ratings, cls, standing });
    } catch (error) {
      if (!(error instanceof UserError) || error.name !== 'ImageError') throw error;
      options.print(`Left out: ${error.message}`);
    }
  }
  if (images.length === 0) throw new UserError('TableError', `"${name}" rates no image that is there`);
  return images;
}

function printTable(title: string, rows: readonly EvaluationRow[], print: (line: string) => void): void {
  if (rows.length === 0) return;
  const number = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(4));
  print(`| ${title} | over | SRCC | KRCC | PLCC |\n|---|---|---|---|---|`);
  for (const {
    method,
    over,
    agreement: { srcc, krcc, plcc },
  } of rows) {
    print(`| ${method} | ${over} | ${number(srcc)} | ${number(krcc)} | ${number(plcc)} |`);
  }
  print('');
}
