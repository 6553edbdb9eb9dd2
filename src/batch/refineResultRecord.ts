/** A refinement's result as it is stored with its picture: all its numbers and maps, to look at it again in the app. */
import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RefineResult } from '../pipeline/refinement.ts';

/** Version of the record. */
const FORMAT = 1;
/** Decimals of maps: finer than what is shown of them. */
const DECIMALS = 4;
/** Largest side of a map's grid. */
const MAX_GRID = 4096;

/** As text, what {@link parseRefineResult} reads. */
export function writeRefineResult(result: RefineResult): string {
  return JSON.stringify({ format: FORMAT, result }, (_, value: unknown) =>
    value instanceof Float32Array ? Array.from(value, (number) => Number(number.toFixed(DECIMALS))) : value,
  );
}

/** @throws SyntaxError what is wrong, as a part of a sentence */
export function parseRefineResult(text: string): RefineResult {
  let stored: unknown;
  try {
    stored = JSON.parse(text, (_, value: unknown) => (isMap(value) ? withTypedValues(value) : value));
  } catch (error) {
    if (error instanceof RangeError) throw new SyntaxError(error.message);
    throw new SyntaxError('it is no JSON, or was cut off');
  }
  const { format, result } = record(stored, 'it');
  if (format !== FORMAT) throw new SyntaxError(`it has format ${JSON.stringify(format)}, and ${FORMAT} can be read`);
  const { outcome, before, after, regions, emphasisedPrompt, seed, settings, models, hints } = record(result, 'result');
  if (outcome !== 'refined') throw new SyntaxError('its outcome is not that of a refined picture');
  checkAnalysis(before, 'before');
  checkAnalysis(after, 'after');
  list(hints, 'hints');
  for (const region of list(regions, 'regions')) record(record(region, 'a region').place, 'the place of a region');
  record(settings, 'settings');
  record(models, 'models');
  if (typeof emphasisedPrompt !== 'string' || !Number.isSafeInteger(seed))
    throw new SyntaxError('prompt or seed is missing');
  return result as RefineResult;
}

interface StoredMap {
  readonly gridWidth: number;
  readonly gridHeight: number;
  readonly values: readonly number[];
}

function isMap(value: unknown): value is StoredMap {
  return typeof value === 'object' && value !== null && 'gridWidth' in value && 'values' in value;
}

/** @throws RangeError it is no map */
function withTypedValues(map: StoredMap) {
  const { gridWidth, gridHeight, values } = map;
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) > 0 && (side as number) <= MAX_GRID;
  if (!isSide(gridWidth) || !isSide(gridHeight) || !Array.isArray(values) || values.length !== gridWidth * gridHeight) {
    throw new RangeError('a map has not one value for each place');
  }
  if (!values.every(Number.isFinite)) throw new RangeError('a map has a value that is no number');
  return { ...map, values: Float32Array.from(values) };
}

function checkAnalysis(value: unknown, what: string): void {
  const { perceptual, alignment, imageWidth, imageHeight, prompt } = record(value, what) as Partial<AnalysisResult>;
  const { score, factors, map, factorMaps } = record(perceptual, `${what}.perceptual`);
  const isWhole = [imageWidth, imageHeight, score].every(Number.isFinite) && typeof prompt === 'string';
  if (!isWhole) throw new SyntaxError(`${what} is not complete`);
  record(factors, `${what}.factors`);
  checkMap(map, `${what}.perceptual.map`);
  for (const part of Object.values(record(factorMaps, `${what}.factorMaps`))) checkMap(part, `${what}.factorMaps`);
  if (alignment === null) return;
  const found = record(alignment, `${what}.alignment`);
  if (!Number.isFinite(found.score)) throw new SyntaxError(`${what}.alignment has no score`);
  checkMap(found.map, `${what}.alignment.map`);
  checkMap(found.defect, `${what}.alignment.defect`);
  for (const entry of list(found.phrases, `${what}.phrases`)) {
    const phrase = record(entry, 'a phrase');
    record(phrase.phrase, 'a phrase');
    checkMap(phrase.map, 'the map of a phrase');
    checkMap(phrase.nounMap, 'the map of a phrase');
    if (phrase.place !== undefined) checkMap(phrase.place, 'the place of a phrase');
  }
}

function checkMap(value: unknown, what: string): void {
  if (!(record(value, what).values instanceof Float32Array)) throw new SyntaxError(`${what} is no map`);
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SyntaxError(`${what} is no object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new SyntaxError(`${what} is no list`);
  return value;
}
