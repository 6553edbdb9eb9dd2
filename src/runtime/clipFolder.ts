import type { HubFolder } from '../checkpoint/byteSource.ts';
import { type JsonObject, readJson } from '../checkpoint/readJson.ts';
import { UserError } from '../errors.ts';
import { type ClipConfig, parseClipConfig } from '../graph/clipConfig.ts';
import { type ClipTokenizer, loadClipTokenizer } from './clipTokenizer.ts';

type Rgb = readonly [number, number, number];

/** What the published files beside a CLIP's weights say. */
export interface ClipFolder {
  readonly config: ClipConfig;
  readonly tokenizer: ClipTokenizer;
  /** Mean and standard deviation of the pixels per channel, RGB in 0..1. */
  readonly imageMean: Rgb;
  readonly imageStd: Rgb;
}

/** Of the images openai's CLIP was trained on (transformers' OPENAI_CLIP_MEAN and OPENAI_CLIP_STD). */
const IMAGE_MEAN: Rgb = [0.48145466, 0.4578275, 0.40821073];
const IMAGE_STD: Rgb = [0.26862954, 0.26130258, 0.27577711];

/**
 * Reads `config.json`, the tokenizer and, where there is one, `preprocessor_config.json`.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`
 */
export async function readClipFolder(folder: HubFolder): Promise<ClipFolder> {
  const optional = (name: string) => (folder.has(name) ? readJson(folder, name) : null);
  const [config, tokenizer, tokenizerConfig, vocab, preprocessing] = await Promise.all([
    readJson(folder, 'config.json'),
    optional('tokenizer.json'),
    optional('tokenizer_config.json'),
    optional('vocab.json'),
    optional('preprocessor_config.json'),
  ]);
  const merges = folder.get('merges.txt');
  return {
    config: parseClipConfig(config),
    tokenizer: await loadClipTokenizer({
      ...(tokenizer ? { tokenizer } : {}),
      ...(tokenizerConfig ? { config: tokenizerConfig } : {}),
      ...(vocab ? { vocab: vocab as Record<string, number> } : {}),
      ...(merges ? { merges: new TextDecoder().decode(await merges.read(0, merges.size)) } : {}),
    }),
    imageMean: rgb(preprocessing, 'image_mean') ?? IMAGE_MEAN,
    imageStd: rgb(preprocessing, 'image_std') ?? IMAGE_STD,
  };
}

function rgb(preprocessing: JsonObject | null, key: 'image_mean' | 'image_std'): Rgb | null {
  const value = preprocessing?.[key];
  if (value === undefined) return null;
  const isRgb = Array.isArray(value) && value.length === 3 && value.every((channel) => Number.isFinite(channel));
  if (!isRgb || (key === 'image_std' && value.some((channel) => !(channel > 0)))) {
    throw new UserError(
      'CheckpointError',
      `Cannot load "preprocessor_config.json": ${key} is ${JSON.stringify(value)}, expected three ${key === 'image_std' ? 'positive ' : ''}numbers`,
    );
  }
  return value as unknown as Rgb;
}
