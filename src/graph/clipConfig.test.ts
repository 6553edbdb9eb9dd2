import { describe, expect, it } from 'vitest';
import { parseClipConfig } from './clipConfig.ts';

describe('parseClipConfig', () => {
  it('fills in what published files leave out as transformers does', () => {
    const config = parseClipConfig({
      model_type: 'clip',
      text_config: { eos_token_id: 2 },
      vision_config: { patch_size: 16 },
    });
    expect(config).toEqual({
      dim: 512,
      vision: {
        width: 768,
        feedForwardWidth: 3072,
        blocks: 12,
        heads: 12,
        activation: 'quick_gelu',
        layerNormEpsilon: 1e-5,
        imageSize: 224,
        patchSize: 16,
      },
      text: {
        width: 512,
        feedForwardWidth: 2048,
        blocks: 12,
        heads: 8,
        activation: 'quick_gelu',
        layerNormEpsilon: 1e-5,
        vocabularySize: 49408,
        contextLength: 77,
        endToken: null,
      },
    });
  });

  it('takes the end token as it is unless it is the legacy 2', () => {
    expect(parseClipConfig({ model_type: 'clip' }).text.endToken).toBe(49407);
    expect(parseClipConfig({ model_type: 'clip', text_config: { eos_token_id: 923 } }).text.endToken).toBe(923);
    expect(parseClipConfig({ model_type: 'clip', text_config: { eos_token_id: [7] } }).text.endToken).toBe(7);
  });

  it('lets the old text_config_dict overrule text_config', () => {
    const { text } = parseClipConfig({
      model_type: 'clip',
      text_config: { hidden_size: 512 },
      text_config_dict: { hidden_size: 768, num_attention_heads: 12 },
      vision_config_dict: null,
    });
    expect([text.width, text.heads]).toEqual([768, 12]);
  });

  it.each([
    [{ model_type: 'siglip' }, 'its model type is "siglip", expected "clip"'],
    [{ model_type: 'chinese_clip' }, 'its model type is "chinese_clip", expected "clip"'],
    [{}, 'its model type is missing, expected "clip"'],
    [{ model_type: 'clip', text_config: { hidden_act: 'relu' } }, 'its activation is "relu", expected "quick_gelu"'],
    [{ model_type: 'clip', vision_config: { num_channels: 4 } }, 'its images have 4 channels, expected 3'],
  ])('says why %o is not supported', (config, reason) => {
    expect(() => parseClipConfig(config)).toThrow(
      expect.objectContaining({ name: 'UnsupportedModelError', message: expect.stringContaining(reason) }),
    );
  });

  it.each([
    [{ projection_dim: 0 }, 'projection_dim is 0'],
    [{ vision_config: { hidden_size: 770 } }, 'hidden_size is 770, not a multiple of its 12 attention heads'],
    [{ vision_config: { num_hidden_layers: 1e9 } }, 'num_hidden_layers is 1000000000'],
    [{ vision_config: { patch_size: [16, 16] } }, 'patch_size is [16,16]'],
    [{ vision_config: { patch_size: 500 } }, 'patch_size is 500, larger than image_size 224'],
    [{ text_config: { layer_norm_eps: 'x' } }, 'layer_norm_eps is "x"'],
    [{ text_config: { eos_token_id: -1 } }, 'eos_token_id is -1'],
    [{ text_config: 'x' }, 'text_config is not an object'],
  ])('says what is wrong with %o', (config, reason) => {
    expect(() => parseClipConfig({ model_type: 'clip', ...config })).toThrow(
      expect.objectContaining({ name: 'CheckpointError', message: expect.stringContaining(reason) }),
    );
  });
});
