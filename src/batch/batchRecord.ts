/**
 * A batch as it is stored: `batch.json` says what is to be done, and one small file for each entry what became of it, so that
 * damage costs one entry at most.
 */
import { type MeasureId, measureIds } from '../measures/measures.ts';
import type { AnalysisSettings } from '../pipeline/analysis.ts';
import type { StrategyId } from '../pipeline/strategy.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { BatchImage, BatchOutcome, BatchProblem, BatchResult, BatchTask, BatchValues } from './batch.ts';

/** Version of both files. */
export const BATCH_FORMAT = 1;

/** Most images of a batch, as in a dropped folder. */
export const MAX_BATCH_IMAGES = 5000;
/** Most passes over them. */
export const MAX_BATCH_TASKS = 20;
/** Longest of either file that is read, in characters. */
export const MAX_RECORD_LENGTH = 20_000_000;

/** `batch.json`. */
export interface BatchRecord {
  readonly format: typeof BATCH_FORMAT;
  /** The folder's name, as shown. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly images: readonly BatchImage[];
  readonly tasks: readonly BatchTask[];
  /** Prompt of images that have none. */
  readonly otherwisePrompt: string;
}

/** What completes settings that are stored, and decides what is allowed in them. */
export interface RecordDefaults {
  readonly analysis: AnalysisSettings;
  /** Those that this version knows. */
  readonly strategies: readonly StrategyId[];
  /** The stored settings with what they lack; never throws. */
  refineSettings(stored: unknown): RefineSettings;
}

/** Name of the file that tells an entry's outcome; `image`: its index. Other files of the entry begin alike. */
export function entryName(image: number, { id }: Pick<BatchTask, 'id'>): string {
  return `${String(image).padStart(4, '0')}-${id}`;
}

/** @throws SyntaxError what is wrong, as a part of a sentence */
export function parseBatchRecord(text: string, defaults: RecordDefaults): BatchRecord {
  const stored = opened(text);
  const images = list(stored.images, 'images', MAX_BATCH_IMAGES).map((value): BatchImage => {
    const { path, size, prompt } = record(value, 'an image');
    return {
      path: filled(path, 'the path of an image'),
      size: count(size, 'the size of an image'),
      prompt: prompt === null ? null : string(prompt, 'the prompt of an image'),
    };
  });
  if (images.length === 0) throw new SyntaxError('it names no images');
  if (new Set(images.map(({ path }) => path)).size < images.length) throw new SyntaxError('it names an image twice');
  const tasks = list(stored.tasks, 'tasks', MAX_BATCH_TASKS).map((task) => parsedTask(task, defaults));
  if (new Set(tasks.map(({ id }) => id)).size < tasks.length)
    throw new SyntaxError('two of its tasks have the same id');
  return {
    format: BATCH_FORMAT,
    name: filled(stored.name, 'name'),
    createdAt: count(stored.createdAt, 'createdAt'),
    images,
    tasks,
    otherwisePrompt: string(stored.otherwisePrompt, 'otherwisePrompt'),
  };
}

/** As text, what {@link parseBatchRecord} reads. */
export function writeBatchRecord(batch: BatchRecord): string {
  return JSON.stringify(batch);
}

/** @throws SyntaxError what is wrong, as a part of a sentence */
export function parseOutcome(text: string): BatchOutcome {
  const stored = opened(text);
  switch (stored.state) {
    case 'skipped':
      return { state: 'skipped' };
    case 'failed':
      return {
        state: 'failed',
        problem: parsedProblem(stored.problem),
        finishedAt: count(stored.finishedAt, 'finishedAt'),
      };
    case 'done':
      return {
        state: 'done',
        result: parsedResult(stored.result),
        took: count(stored.took, 'took'),
        finishedAt: count(stored.finishedAt, 'finishedAt'),
      };
    default:
      throw new SyntaxError('its state is not known');
  }
}

/** As text, what {@link parseOutcome} reads. */
export function writeOutcome(outcome: BatchOutcome): string {
  const whole = outcome.state === 'done' ? { ...outcome, took: Math.round(outcome.took) } : outcome;
  return JSON.stringify({ format: BATCH_FORMAT, ...whole });
}

function opened(text: string): Record<string, unknown> {
  if (text.length > MAX_RECORD_LENGTH) throw new SyntaxError(`it has ${text.length} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyntaxError('it is no JSON, or was cut off');
  }
  const stored = record(value, 'it');
  if (stored.format !== BATCH_FORMAT) {
    throw new SyntaxError(
      `it has format ${JSON.stringify(stored.format)}, and this version of the app reads ${BATCH_FORMAT}`,
    );
  }
  return stored;
}

function parsedTask(value: unknown, defaults: RecordDefaults): BatchTask {
  const { id, title, work, analysis, measures } = record(value, 'a task');
  if (typeof id !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(id)) throw new SyntaxError('a task has no usable id');
  const { kind, strategy, settings, seed } = record(work, 'the work of a task');
  if (kind !== 'analyse' && kind !== 'refine') throw new SyntaxError('the work of a task is of no known kind');
  return {
    id,
    title: filled(title, 'the title of a task'),
    work:
      kind === 'analyse'
        ? { kind }
        : {
            kind,
            strategy: knownStrategy(strategy, defaults.strategies),
            settings: defaults.refineSettings(settings),
            seed: count(seed, 'the seed of a task'),
          },
    analysis: parsedAnalysis(analysis, defaults.analysis),
    measures: measures === 'all' ? 'all' : 'maps',
  };
}

function knownStrategy(value: unknown, known: readonly StrategyId[]): StrategyId {
  const found = known.find((id) => id === value);
  if (!found) throw new SyntaxError(`this version does not know its strategy ${JSON.stringify(value)}`);
  return found;
}

/** Each setting if it is of the kind it has by default. */
function parsedAnalysis(value: unknown, defaults: AnalysisSettings): AnalysisSettings {
  const stored = record(value, 'the settings of a task');
  const entries = Object.entries(defaults).map(([key, usual]) => {
    const found = stored[key];
    if (key === 'imageSize') return [key, Number.isSafeInteger(found) && (found as number) > 0 ? found : null];
    if (key === 'perceptualMode') return [key, MODES.includes(found as string) ? found : usual];
    return [key, typeof found === 'number' && found >= 0 && found <= 1 ? found : usual];
  });
  return { ...(Object.fromEntries(entries) as AnalysisSettings), calibration: parsedCalibration(stored.calibration) };
}

function parsedCalibration(value: unknown): NonNullable<AnalysisSettings['calibration']> | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, name } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof name === 'string' ? { id, name } : null;
}

const MODES: readonly string[] = [
  'auto',
  'learned',
  'zeroShot',
  'calibrated',
  'released',
] satisfies AnalysisSettings['perceptualMode'][];
const SOURCES: readonly string[] = ['list', 'file', 'typed', 'none'] satisfies BatchResult['promptFrom'][];
const OUTCOMES: readonly string[] = [
  'analysed',
  'refined',
  'nothingToRepair',
  'rejected',
] satisfies BatchResult['outcome'][];

function parsedResult(value: unknown): BatchResult {
  const stored = record(value, 'result');
  const { regions, hints, promptFrom, outcome, after } = stored;
  if (!SOURCES.includes(promptFrom as string)) throw new SyntaxError('result.promptFrom is not known');
  if (!OUTCOMES.includes(outcome as string)) throw new SyntaxError('result.outcome is not known');
  const counted = regions === null ? null : record(regions, 'result.regions');
  return {
    width: count(stored.width, 'result.width'),
    height: count(stored.height, 'result.height'),
    prompt: string(stored.prompt, 'result.prompt'),
    promptFrom: promptFrom as BatchResult['promptFrom'],
    model: string(stored.model, 'result.model'),
    outcome: outcome as BatchResult['outcome'],
    before: parsedValues(stored.before, 'result.before'),
    after: after === null ? null : parsedValues(after, 'result.after'),
    regions: counted && {
      tried: count(counted.tried, 'result.regions.tried'),
      kept: count(counted.kept, 'result.regions.kept'),
    },
    hints: list(hints, 'result.hints', 1000).map((hint) => string(hint, 'a hint')),
  };
}

function parsedValues(value: unknown, what: string): BatchValues {
  const stored = record(value, what);
  const values: Partial<Record<MeasureId, number>> = {};
  for (const id of measureIds) {
    const found = stored[id];
    if (found === undefined || found === null) continue;
    if (typeof found !== 'number' || !Number.isFinite(found)) throw new SyntaxError(`${what}.${id} is no number`);
    values[id] = found;
  }
  return values;
}

function parsedProblem(value: unknown): BatchProblem {
  const { name, message } = record(value, 'problem');
  return { name: string(name, 'problem.name'), message: string(message, 'problem.message') };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SyntaxError(`${what} is no object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string, most: number): unknown[] {
  if (!Array.isArray(value)) throw new SyntaxError(`${what} is no list`);
  if (value.length > most) throw new SyntaxError(`${what} has ${value.length} entries; at most ${most} are read`);
  return value;
}

function string(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new SyntaxError(`${what} is no text`);
  return value;
}

function filled(value: unknown, what: string): string {
  if (string(value, what) === '') throw new SyntaxError(`${what} is empty`);
  return value as string;
}

function count(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new SyntaxError(`${what} is no whole number`);
  return value as number;
}
