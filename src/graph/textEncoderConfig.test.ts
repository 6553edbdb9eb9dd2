import { describe, expect, it } from 'vitest';
import { planWeights } from './storedLayout.ts';
import { buildTextEncoder } from './textEncoder.ts';
import { parseTextEncoderConfig } from './textEncoderConfig.ts';
import { textEncoderRecipes } from './textEncoderWeights.ts';

/** As Stable Diffusion 1.5 has it. */
const VIT_L = {
  architectures: ['CLIPTextModel'],
  eos_token_id: 2,
  hidden_act: 'quick_gelu',
  hidden_size: 768,
  intermediate_size: 3072,
  model_type: 'clip_text_model',
  num_attention_heads: 12,
  num_hidden_layers: 12,
  projection_dim: 768,
  vocab_size: 49408,
};

describe('parseTextEncoderConfig', () => {
  it('has a projection where the class has one, whatever projection_dim says', () => {
    expect(parseTextEncoderConfig(VIT_L)).toMatchObject({ projectionDim: null, text: { width: 768, endToken: null } });
    const projected = { ...VIT_L, architectures: ['CLIPTextModelWithProjection'], eos_token_id: 49407 };
    expect(parseTextEncoderConfig(projected)).toMatchObject({ projectionDim: 768, text: { endToken: 49407 } });
  });

  it.each([
    [{ model_type: 't5' }, 'Cannot load "text_encoder/config.json": model_type is "t5"'],
    [{ architectures: ['CLIPModel'] }, 'architectures is ["CLIPModel"]'],
    [{ hidden_act: 'relu' }, 'its activation is "relu"'],
  ])('says why %o is not supported', (change, reason) => {
    expect(() => parseTextEncoderConfig({ ...VIT_L, ...change })).toThrow(
      expect.objectContaining({ name: 'UnsupportedModelError', message: expect.stringContaining(reason) }),
    );
  });
});

describe('buildTextEncoder', () => {
  const config = parseTextEncoderConfig(VIT_L);
  const weights = planWeights(textEncoderRecipes(config), 'fp16');

  it.each([12, -1, 0.5])('refuses to skip %s of 12 blocks', (clipSkip) => {
    expect(() => buildTextEncoder(config, weights, { batch: 1, hidden: 'last', clipSkip })).toThrow(RangeError);
  });
});
