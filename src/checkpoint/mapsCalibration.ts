import type { HubFolder } from './byteSource.ts';
import { checkpointError } from './checkpointError.ts';
import { type JsonObject, readJson } from './readJson.ts';

/** Name of the file with the constants fitted for one CLIP. */
export const CALIBRATION_FILE = 'calibration.json';

/** How evidence becomes a probability (`quality/alignmentScore.ts`): `S = sigmoid(κ · scale · (evidence − bias))`. */
export interface EvidenceCalibration {
  /** Factor on κ, > 0. */
  readonly scale: number;
  /** Evidence of S = 0.5, in cosine. */
  readonly bias: number;
  /** Evidence is a mean of what CLS says and what the best patches say: the weight of CLS, 0..1. */
  readonly wholeShare: number;
}

/** How a noun and its whole phrase tell together whether it is there (`quality/alignmentScore.ts`), in logits. */
export interface PresenceCalibration {
  /** > 0. */
  readonly scale: number;
  readonly bias: number;
}

/** How a phrase's lead over its rivals becomes a probability (`quality/attributeScore.ts`). */
export interface AttributeCalibration extends EvidenceCalibration {
  /** Words that exclude each other, a list per attribute. */
  readonly rivals: readonly (readonly string[])[];
}

/**
 * Constants that belong to one CLIP and were fitted on images of its world, so that the thresholds of an analysis mean there
 * what they mean everywhere: S = 0.5 is as likely right as wrong, D > 0.5 is bad.
 */
export interface MapsCalibration {
  /** For whole phrases: whether their attributes are right. */
  readonly phrases: EvidenceCalibration;
  /** For bare nouns: whether they are there. */
  readonly nouns: EvidenceCalibration;
  /** For whole prompts: whether they describe the image; absent: as for phrases. */
  readonly prompts?: EvidenceCalibration;
  /** For bare nouns and whole phrases together; absent: bare nouns tell alone. */
  readonly presence?: PresenceCalibration;
  /** For whole phrases held against those that differ in one word; absent: each tells by itself. */
  readonly attributes?: AttributeCalibration;
  /** B_k of eq. 3, each in 0..1, > 0. */
  readonly perceptualBounds: {
    readonly technical: number;
    readonly rationality: number;
    readonly naturalness: number;
  };
}

/**
 * Reads `calibration.json` of a model's folder: `{"phrases": {"scale", "bias", "wholeShare"}, "nouns": {…}, "prompts": {…},
 * "presence": {"scale", "bias"}, "attributes": {"scale", "bias", "wholeShare", "rivals": [["red", "blue"], …]}, "perceptualBounds":
 * {"technical", "rationality", "naturalness"}}`; `prompts`, `presence` and `attributes` may be absent.
 *
 * @returns null where the folder has none, as published CLIPs have not
 * @throws {UserError} `CheckpointError`: a number is missing or out of range, or rivals are no lists of words
 */
export async function readMapsCalibration(folder: HubFolder): Promise<MapsCalibration | null> {
  if (!folder.has(CALIBRATION_FILE)) return null;
  const json = await readJson(folder, CALIBRATION_FILE);
  return {
    phrases: evidence(json, 'phrases'),
    nouns: evidence(json, 'nouns'),
    ...(json.prompts !== undefined && { prompts: evidence(json, 'prompts') }),
    ...(json.presence !== undefined && {
      presence: {
        scale: number(json, 'presence', 'scale', [Number.MIN_VALUE, Number.MAX_VALUE]),
        bias: number(json, 'presence', 'bias', [-100, 100]),
      },
    }),
    ...(json.attributes !== undefined && {
      attributes: { ...evidence(json, 'attributes'), rivals: rivalWords(json.attributes as JsonObject) },
    }),
    perceptualBounds: {
      technical: number(json, 'perceptualBounds', 'technical', [Number.MIN_VALUE, 1]),
      rationality: number(json, 'perceptualBounds', 'rationality', [Number.MIN_VALUE, 1]),
      naturalness: number(json, 'perceptualBounds', 'naturalness', [Number.MIN_VALUE, 1]),
    },
  };
}

function evidence(json: JsonObject, member: 'phrases' | 'nouns' | 'prompts' | 'attributes'): EvidenceCalibration {
  return {
    scale: number(json, member, 'scale', [Number.MIN_VALUE, Number.MAX_VALUE]),
    bias: number(json, member, 'bias', [-2, 2]),
    wholeShare: number(json, member, 'wholeShare', [0, 1]),
  };
}

function rivalWords({ rivals }: JsonObject): string[][] {
  const isWord = (word: unknown) => typeof word === 'string' && /^\S+$/.test(word) && word === word.toLowerCase();
  const isList = (list: unknown) => Array.isArray(list) && list.length > 1 && list.every(isWord);
  if (Array.isArray(rivals) && rivals.length > 0 && rivals.every(isList)) return rivals as string[][];
  throw checkpointError(
    CALIBRATION_FILE,
    'its attributes.rivals are not lists of two or more words in lower case, as in [["red", "blue"]]; delete the file to measure without it',
  );
}

function number(json: JsonObject, member: string, name: string, [low, high]: readonly [number, number]): number {
  const inner = json[member];
  const value = typeof inner === 'object' && inner !== null ? (inner as JsonObject)[name] : undefined;
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw checkpointError(
    CALIBRATION_FILE,
    `its ${member}.${name} is ${JSON.stringify(value)}, expected a number from ${low} to ${high}; delete the file to measure without it`,
  );
}
