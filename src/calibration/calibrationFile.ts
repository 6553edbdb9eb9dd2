import { UserError } from '../errors.ts';
import { isBoundedJson } from '../jsonBounds.ts';
import { dot } from '../math/vectors.ts';
import { perceptualFactors, type QualityWordFeatures } from '../quality/perceptualMap.ts';
import type { Agreement, Calibration, CalibrationReport, HeldOut, Verdict } from './calibration.ts';
import { ratedFactors } from './ratings.ts';

/** What the file says it is, and the version of its layout. */
const format = 'g-refine-calibration';
const version = 1;

/** Most bytes of a file: one for ViT-L/14 has 40,000. */
export const MAX_CALIBRATION_BYTES = 1_000_000;

/** Longest name of a calibration. */
export const MAX_NAME_LENGTH = 80;

/** A calibration as JSON: features as base64 of little-endian float32. */
export function writeCalibration({ clip, words, ...rest }: Calibration): string {
  return JSON.stringify({
    format,
    version,
    ...rest,
    clip: { ...clip, fingerprint: toBase64(clip.fingerprint) },
    words: Object.fromEntries(perceptualFactors.map((factor) => [factor, toBase64(words[factor])])),
  });
}

/**
 * Reads what {@link writeCalibration} wrote; every member is checked, and nothing else is taken over.
 *
 * @param options.name of the file, for errors
 * @throws {UserError} `TableError`: another kind of file, another version, or damaged
 */
export function readCalibration(text: string, { name }: { readonly name: string }): Calibration {
  const fail = (what: string) =>
    new UserError('TableError', `Cannot read "${name}": ${what}. Export the calibration again and choose that file.`);
  let file: Json;
  try {
    if (text.length > MAX_CALIBRATION_BYTES || !isBoundedJson(text)) throw new SyntaxError('it is too large');
    file = record(JSON.parse(text), 'the file');
    if (file.format !== format) throw new SyntaxError('it is no calibration of G-Refine');
    if (file.version !== version) throw new SyntaxError(`its version is ${file.version}, expected ${version}`);
    return calibrationOf(file);
  } catch (error) {
    throw error instanceof SyntaxError ? fail(error.message) : error;
  }
}

type Json = Readonly<Record<string, unknown>>;

function calibrationOf(file: Json): Calibration {
  const clip = record(file.clip, 'clip');
  const dim = number(clip.dim, 'clip.dim', [1, 65_536]);
  const wordsIn = record(file.words, 'words');
  const bounds = record(file.bounds, 'bounds');
  const scale = list(file.scale, 'scale').map((value) => number(value, 'scale', [-1e9, 1e9]));
  const [low = 0, high = 0] = scale;
  if (scale.length !== 2 || low >= high) throw new SyntaxError('scale is not two ascending numbers');
  const alignment = file.alignment === null ? null : record(file.alignment, 'alignment');
  return {
    name: string(file.name, 'name').slice(0, MAX_NAME_LENGTH),
    madeAt: number(file.madeAt, 'madeAt', [0, 1e15]),
    modelName: string(file.modelName, 'modelName').slice(0, 200),
    clip: {
      dim,
      textWidth: number(clip.textWidth, 'clip.textWidth', [1, 65_536]),
      logitScale: number(clip.logitScale, 'clip.logitScale', [1e-3, 1e6]),
      fingerprint: fromBase64(clip.fingerprint, 'clip.fingerprint'),
    },
    imageSize: number(file.imageSize, 'imageSize', [1, 4096]),
    words: Object.fromEntries(
      perceptualFactors.map((factor) => [factor, pairOf(wordsIn[factor], { factor, dim })]),
    ) as QualityWordFeatures,
    bounds: Object.fromEntries(
      ratedFactors.map((factor) => [factor, number(bounds[factor], `bounds.${factor}`, [1e-3, 1])]),
    ) as Calibration['bounds'],
    alignment: alignment && {
      middle: number(alignment.middle, 'alignment.middle', [-1e3, 1e3]),
      slope: number(alignment.slope, 'alignment.slope', [1e-6, 1e6]),
    },
    images: number(file.images, 'images', [1, 1e9]),
    scale: [low, high],
    seed: number(file.seed, 'seed', [0, Number.MAX_SAFE_INTEGER]),
    quality: reportIn(file.quality, 'quality'),
    match: file.match === null ? null : reportIn(file.match, 'match'),
  };
}

function pairOf(value: unknown, { factor, dim }: { readonly factor: string; readonly dim: number }): Float32Array {
  const pair = fromBase64(value, `words.${factor}`);
  if (pair.length !== 2 * dim) throw new SyntaxError(`words.${factor} has ${pair.length} numbers, expected ${2 * dim}`);
  for (const row of [0, 1]) {
    const length = dot(pair, pair, { rowA: row * dim, rowB: row * dim, dim });
    if (Math.abs(length - 1) > 1e-3) throw new SyntaxError(`words.${factor} is not of unit length`);
  }
  return pair;
}

const verdicts: readonly unknown[] = ['helps', 'uncertain', 'doesNotHelp'] satisfies Verdict[];

function reportIn(value: unknown, where: string): CalibrationReport {
  const { verdict, folds, before, after } = record(value, where);
  if (!verdicts.includes(verdict)) throw new SyntaxError(`${where}.verdict is ${JSON.stringify(verdict)}`);
  return {
    verdict: verdict as Verdict,
    folds: list(folds, `${where}.folds`).map((each): HeldOut => {
      const fold = record(each, `${where}.folds`);
      return {
        images: number(fold.images, `${where}.folds.images`, [1, 1e9]),
        before: agreementIn(fold.before, where),
        after: agreementIn(fold.after, where),
      };
    }),
    before: agreementIn(before, where),
    after: agreementIn(after, where),
  };
}

/** JSON has no NaN: null stands for it. */
function agreementIn(value: unknown, where: string): Agreement {
  const { srcc, plcc, krcc } = record(value, where);
  const one = (correlation: unknown) => (correlation === null ? Number.NaN : number(correlation, where, [-1, 1]));
  return { srcc: one(srcc), plcc: one(plcc), krcc: one(krcc) };
}

function record(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SyntaxError(`${where} is no object`);
  return value as Json;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new SyntaxError(`${where} is no list`);
  return value;
}

function string(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new SyntaxError(`${where} is no text`);
  return value;
}

function number(value: unknown, where: string, [from, to]: readonly [number, number]): number {
  if (typeof value !== 'number' || !(value >= from && value <= to)) {
    throw new SyntaxError(`${where} is ${JSON.stringify(value)}, expected a number from ${from} to ${to}`);
  }
  return value;
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Numbers as text: their little-endian float32 bytes in base64, without padding. */
export function toBase64(values: Float32Array): string {
  const view = new DataView(new ArrayBuffer(values.length * 4 + 2));
  values.forEach((value, i) => {
    view.setFloat32(i * 4, value, true);
  });
  let text = '';
  for (let at = 0; at < values.length * 4; at += 3) {
    const bits = (view.getUint8(at) << 16) | (view.getUint8(at + 1) << 8) | view.getUint8(at + 2);
    for (const shift of [18, 12, 6, 0]) text += digits[(bits >> shift) & 63];
  }
  return text.slice(0, Math.ceil((values.length * 16) / 3));
}

/** The numbers of {@link toBase64}. @throws SyntaxError naming `where`: not such a text, or a number that is not finite */
export function fromBase64(value: unknown, where: string): Float32Array {
  const text = string(value, where);
  const count = Math.floor((text.length * 6) / 32);
  const view = new DataView(new ArrayBuffer(count * 4 + 3));
  for (let i = 0, bits = 0, held = 0, at = 0; i < text.length; i++) {
    const digit = digits.indexOf(text[i] as string);
    if (digit < 0) throw new SyntaxError(`${where} is no base64`);
    bits = ((bits << 6) | digit) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    view.setUint8(at++, (bits >> held) & 255);
  }
  const values = Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 4, true));
  if (!values.every(Number.isFinite)) throw new SyntaxError(`${where} holds what is no number`);
  return values;
}
