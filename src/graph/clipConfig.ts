import type { JsonObject } from '../checkpoint/readJson.ts';
import { UserError } from '../errors.ts';

/** Activations of CLIP's feed-forward networks that we compile. */
export type ClipActivation = 'quick_gelu' | 'gelu';

/** Sizes of one of CLIP's two transformers. */
export interface ClipTowerConfig {
  readonly width: number;
  readonly feedForwardWidth: number;
  readonly blocks: number;
  readonly heads: number;
  readonly activation: ClipActivation;
  readonly layerNormEpsilon: number;
}

export interface ClipVisionConfig extends ClipTowerConfig {
  /** Side in pixels of the images it was trained on. */
  readonly imageSize: number;
  readonly patchSize: number;
}

export interface ClipTextConfig extends ClipTowerConfig {
  readonly vocabularySize: number;
  /** Longest sequence, start and end token included. */
  readonly contextLength: number;
  /**
   * The feature is taken at the first token of this id; null: at the highest id. Null is for the legacy `eos_token_id` 2
   * of the files openai published (transformers CLIPTextModel.forward does the same).
   */
  readonly endToken: number | null;
}

/** What a CLIP checkpoint's `config.json` says about its shape. */
export interface ClipConfig {
  /** Length of a feature. */
  readonly dim: number;
  readonly vision: ClipVisionConfig;
  readonly text: ClipTextConfig;
}

/** Bounds that keep an untrusted config from asking for absurd graphs. The largest published CLIP stays below half of each. */
const MAX_WIDTH = 16_384;
const MAX_BLOCKS = 128;
const MAX_COUNT = 1_000_000;
const LEGACY_END_TOKEN = 2;

/**
 * Reads the `config.json` of a CLIP in transformers' layout (CLIPConfig). Published files leave out what equals
 * transformers' defaults, so the same defaults are used here; `text_config_dict`, which old files carry, overrules
 * `text_config`, as there.
 * @throws {UserError} `UnsupportedModelError` for another kind of model or a setting we do not compile;
 *   `CheckpointError` for values no CLIP can have
 */
export function parseClipConfig(config: JsonObject): ClipConfig {
  const type = config.model_type;
  if (type !== 'clip') {
    throw unsupported(`its model type is ${JSON.stringify(type) ?? 'missing'}, expected "clip"`);
  }
  const vision = asObject(config.vision_config_dict ?? config.vision_config ?? {}, 'vision_config');
  const text = asObject(config.text_config_dict ?? config.text_config ?? {}, 'text_config');
  const channels = wholeNumber(vision, 'num_channels', 3);
  if (channels !== 3) throw unsupported(`its images have ${channels} channels, expected 3`);

  const imageSize = wholeNumber(vision, 'image_size', 224);
  const patchSize = wholeNumber(vision, 'patch_size', 32);
  if (patchSize > imageSize) throw invalid('patch_size', `${patchSize}, larger than image_size ${imageSize}`);
  return {
    dim: wholeNumber(config, 'projection_dim', 512, MAX_WIDTH),
    vision: {
      ...tower(vision, { width: 768, feedForwardWidth: 3072, heads: 12 }),
      imageSize,
      patchSize,
    },
    text: parseClipTextConfig(text),
  };
}

/** Reads the part of a config that describes a text transformer; throws as {@link parseClipConfig}. */
export function parseClipTextConfig(text: JsonObject): ClipTextConfig {
  return {
    ...tower(text, { width: 512, feedForwardWidth: 2048, heads: 8 }),
    vocabularySize: wholeNumber(text, 'vocab_size', 49_408),
    contextLength: wholeNumber(text, 'max_position_embeddings', 77),
    endToken: endToken(text),
  };
}

function tower(
  json: JsonObject,
  defaults: { width: number; feedForwardWidth: number; heads: number },
): ClipTowerConfig {
  const width = wholeNumber(json, 'hidden_size', defaults.width, MAX_WIDTH);
  const heads = wholeNumber(json, 'num_attention_heads', defaults.heads);
  if (width % heads !== 0) throw invalid('hidden_size', `${width}, not a multiple of its ${heads} attention heads`);
  const activation = json.hidden_act ?? 'quick_gelu';
  if (activation !== 'quick_gelu' && activation !== 'gelu') {
    throw unsupported(`its activation is ${JSON.stringify(activation)}, expected "quick_gelu" or "gelu"`);
  }
  const layerNormEpsilon = json.layer_norm_eps ?? 1e-5;
  if (typeof layerNormEpsilon !== 'number' || !(layerNormEpsilon > 0 && layerNormEpsilon < 1)) {
    throw invalid('layer_norm_eps', `${JSON.stringify(layerNormEpsilon)}, expected a number between 0 and 1`);
  }
  return {
    width,
    feedForwardWidth: wholeNumber(json, 'intermediate_size', defaults.feedForwardWidth, 4 * MAX_WIDTH),
    blocks: wholeNumber(json, 'num_hidden_layers', 12, MAX_BLOCKS),
    heads,
    activation,
    layerNormEpsilon,
  };
}

function endToken(text: JsonObject): number | null {
  const given = text.eos_token_id ?? 49_407;
  // A list occurs in configs written for generation; CLIP's own forward accepts a single id only.
  const id = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0) {
    throw invalid('eos_token_id', `${JSON.stringify(given)}, expected a token id`);
  }
  return id === LEGACY_END_TOKEN ? null : id;
}

function wholeNumber(json: JsonObject, key: string, defaultValue: number, max = MAX_COUNT): number {
  const value = json[key] ?? defaultValue;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
    throw invalid(key, `${JSON.stringify(value)}, expected a whole number from 1 to ${max}`);
  }
  return value;
}

function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(what, 'not an object');
  }
  return value as JsonObject;
}

function invalid(key: string, detail: string): UserError {
  return new UserError('CheckpointError', `Cannot read "config.json": ${key} is ${detail}`);
}

function unsupported(detail: string): UserError {
  return new UserError(
    'UnsupportedModelError',
    `Cannot load "config.json": ${detail}; use a CLIP such as openai/clip-vit-base-patch16`,
  );
}
