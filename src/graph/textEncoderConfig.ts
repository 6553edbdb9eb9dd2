import type { JsonObject } from '../checkpoint/readJson.ts';
import { type ClipTextConfig, parseClipTextConfig } from './clipConfig.ts';
import { ConfigMembers } from './configMembers.ts';

/** What a diffusion model's `text_encoder/config.json` says about its shape. */
export interface TextEncoderConfig {
  readonly text: ClipTextConfig;
  /** Length of the pooled, projected text; null: a CLIPTextModel, which has none. */
  readonly projectionDim: number | null;
}

/** Bound on an untrusted config; the largest published one is 1280. */
const MAX_PROJECTION = 16_384;

/**
 * Reads the `config.json` of a transformers CLIPTextModel (Stable Diffusion 1; the first encoder of XL) or
 * CLIPTextModelWithProjection (the second of XL: OpenCLIP's bigG). Which it is, `architectures` says; `projection_dim` is
 * there in either case.
 * @param file as errors name it
 * @throws {UserError} `UnsupportedModelError` for another kind of model or a setting we do not compile;
 *   `CheckpointError` for values no CLIP can have
 */
export function parseTextEncoderConfig(json: JsonObject, file = 'text_encoder/config.json'): TextEncoderConfig {
  const members = new ConfigMembers(json, file);
  members.oneOf('model_type', ['clip_text_model']);
  const [architecture = 'CLIPTextModel'] = members.listOf(
    'architectures',
    ['CLIPTextModel', 'CLIPTextModelWithProjection'],
    ['CLIPTextModel'],
  );
  return {
    text: parseClipTextConfig(json),
    projectionDim:
      architecture === 'CLIPTextModel'
        ? null
        : members.wholeNumber('projection_dim', { defaultValue: 512, max: MAX_PROJECTION }),
  };
}
