import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CALIBRATION_FILE } from '../../src/checkpoint/mapsCalibration.ts';
import { type StrategyId, strategyDescriptions } from '../../src/pipeline/strategy.ts';
import { toyRefineSettings } from '../../src/refine/refineSettings.ts';
import { readCase } from './cases.ts';
import { fitCalibration } from './fitCalibration.ts';
import { Judge } from './judge.ts';
import { type MapsMeasured, measureForFit, measureMaps } from './measureMaps.ts';
import { measureRefine, type RefineMeasured } from './measureRefine.ts';
import { type EvaluatedModels, openModels } from './models.ts';
import {
  barsTable,
  mapsRows,
  matchNote,
  measuresTable,
  refineRows,
  strategyTable,
  trueErrorNote,
  withTables,
} from './report.ts';

/** What is evaluated. */
export interface Evaluation {
  /** Of the project. */
  readonly root: string;
  /** Folder of the models, as training/blocks writes it. */
  readonly models: string;
  /** Folder of the rendered cases; results are kept in it. */
  readonly cases: string;
  readonly seeds: readonly number[];
  /** How many of them are refined. */
  readonly refined: number;
  /** How many of these with parts of the method left out, too. */
  readonly ablated: number;
  readonly parts: readonly string[];
  /** Fit the constants of the CLIP instead. */
  readonly fit: boolean;
  /** Whether these are the models that come with the app: then the README is written. */
  readonly isCommitted: boolean;
}

/** G-Refine and its ablations, in the order of the table. */
const ABLATIONS: readonly StrategyId[] = ['gRefine', 'perceptualOnly', 'alignmentOnly', 'repaintOnly'];

/** Measures what is not measured yet, tells what cannot be, and writes the tables. */
export async function evaluate(evaluation: Evaluation): Promise<void> {
  const { root, models: folder, seeds, parts, fit } = evaluation;
  const models = await openModels(root, folder);
  if (fit) return writeCalibration(evaluation, models);

  const tables: string[] = [];
  const json: Record<string, unknown> = { models: models.revisions };
  const clip = models.revisions.maps ?? '';
  if (parts.includes('compare')) return compare(evaluation, models);
  if (parts.includes('maps')) {
    const all = await measured<MapsMeasured>(evaluation, { part: `maps-${clip.slice(0, 12)}`, seeds }, (seed) =>
      measureMaps(readCase(evaluation.cases, seed), models),
    );
    const rows = mapsRows(all);
    tables.push(`The maps, on ${all.length} held-out scenes:`, barsTable(rows), matchNote(all), trueErrorNote(all));
    json.maps = { scenes: all.length, rows };
  }
  const why = parts.includes('refine') ? missingForRefining(root, models) : null;
  if (why !== null) tables.push(`Refining was not measured: ${why}.`);
  else if (parts.includes('refine')) {
    const { refined, ablated } = evaluation;
    const { gRefine = [] } = await refineAll(evaluation, models, ['gRefine']);
    const results = await refineAll({ ...evaluation, refined: ablated }, models, ABLATIONS);
    const rows = refineRows(gRefine, results.repaintOnly ?? []);
    tables.push(
      `Refining, on the first ${refined} of them, one seed each:`,
      barsTable(rows),
      `The same with parts left out${ablated < refined ? `, on the first ${ablated}` : ''}:`,
      strategyTable(results, TITLES),
    );
    json.refining = { scenes: refined, rows };
  }
  const text = tables.filter(Boolean).join('\n\n');
  console.log(`\n${text}\n`);
  if (!evaluation.isCommitted) return;
  writeFileSync(join(root, 'bench/results/blocks.json'), `${JSON.stringify(json, null, 2)}\n`);
  writeTables(root, 'evaluate', text);
}

const TITLES: Readonly<Partial<Record<StrategyId, string>>> = Object.fromEntries(
  strategyDescriptions.map(({ id, title }) => [id, title]),
);

/** Every strategy that needs no mask drawn by hand, on the same scenes. */
async function compare(evaluation: Evaluation, models: EvaluatedModels): Promise<void> {
  const { root, refined, isCommitted } = evaluation;
  const why = missingForRefining(root, models);
  if (why !== null) return console.log(`Nothing was compared: ${why}.`);
  const ids = strategyDescriptions.filter(({ needs }) => !needs.mask).map(({ id }) => id);
  const able = models.revisions.restoration ? ids : ids.filter((id) => needOf(id) !== 'restoration');
  const results = await refineAll(evaluation, models, able);
  const text = [
    `Every strategy on the same ${refined} held-out scenes of Blocks, one seed each, by what is known of them:`,
    strategyTable(results, TITLES),
    'And by what the app can measure without knowing: the mean afterwards, and in brackets how many pictures got worse.',
    measuresTable(results, TITLES),
  ].join('\n\n');
  console.log(`\n${text}\n`);
  if (isCommitted) writeTables(root, 'compare', text);
}

function writeTables(root: string, command: 'evaluate' | 'compare', tables: string): void {
  const readme = join(root, 'README.md');
  writeFileSync(readme, withTables(readFileSync(readme, 'utf8'), command, tables));
}

const needOf = (id: StrategyId) => strategyDescriptions.find((one) => one.id === id)?.needs.model;

/** What the strategies make of the first scenes. */
async function refineAll(
  evaluation: Evaluation,
  models: EvaluatedModels,
  ids: readonly StrategyId[],
): Promise<Partial<Record<StrategyId, readonly RefineMeasured[]>>> {
  const judge = await Judge.open(judgePath(evaluation.root));
  const { maps, inpainting, restoration } = models.revisions;
  const settings = createHash('sha256').update(JSON.stringify(toyRefineSettings)).digest('hex');
  const key = [maps, inpainting, restoration, settings].map((revision) => revision?.slice(0, 8) ?? 'none').join('-');
  const seeds = evaluation.seeds.slice(0, evaluation.refined);
  const results: Partial<Record<StrategyId, readonly RefineMeasured[]>> = {};
  for (const id of ids) {
    results[id] = await measured(evaluation, { part: `${id}-${key}`, seeds }, (seed) =>
      measureRefine(id, readCase(evaluation.cases, seed), { models, judge }),
    );
  }
  return results;
}

function judgePath(root: string): string {
  return join(root, 'training/blocks/judge.onnx');
}

/** Why refining cannot be measured; null: it can. */
function missingForRefining(root: string, { revisions }: EvaluatedModels): string | null {
  if (!revisions.inpainting) return 'there is no trained inpainting model of Blocks yet';
  if (!existsSync(judgePath(root))) return 'there is no judge yet (training/blocks/train_judge.py)';
  return null;
}

/** Results of all cases, each computed once and kept beside the cases. */
async function measured<Result>(
  { cases }: Evaluation,
  { part, seeds }: { readonly part: string; readonly seeds: readonly number[] },
  measure: (seed: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let toldAt = performance.now();
  for (const [i, seed] of seeds.entries()) {
    const path = join(cases, 'results', part, `${seed}.json`);
    if (!existsSync(path)) {
      const result = await measure(seed);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, JSON.stringify(result));
    }
    results.push(JSON.parse(readFileSync(path, 'utf8')) as Result);
    if (performance.now() - toldAt < 10_000) continue;
    toldAt = performance.now();
    console.log(`${part}: ${i + 1} of ${seeds.length}`);
  }
  return results;
}

/** How far away the cases are whose prompts a picture is held against when constants are fitted. */
const OTHERS = [1, 2];

async function writeCalibration({ cases, seeds, models: folder }: Evaluation, models: EvaluatedModels): Promise<void> {
  const facts = [];
  for (const [i, seed] of seeds.entries()) {
    const others = OTHERS.map((step) => readCase(cases, seeds[(i + step) % seeds.length] as number).prompt);
    facts.push(await measureForFit(readCase(cases, seed), models, others));
  }
  const logitScale = models.packs.maps?.clip.logitScale ?? 100;
  const fitted = { ...fitCalibration(facts, { logitScale }), fittedOn: `${seeds.length} validation scenes` };
  const path = join(folder, 'clip', CALIBRATION_FILE);
  writeFileSync(path, `${JSON.stringify(fitted, null, 2)}\n`);
  console.log(`${path}:\n${JSON.stringify(fitted, null, 2)}`);
}
