import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { parseControlNetConfig } from './controlNetConfig.ts';

const readConfig = (folder: string): JsonObject =>
  JSON.parse(readFileSync(new URL(`../../reference/fixtures/${folder}/config.json`, import.meta.url), 'utf8'));

describe('parseControlNetConfig', () => {
  it('reads what diffusers saves', () => {
    const config = parseControlNetConfig(readConfig('controlnet-sd-tiny'));
    expect(config).toMatchObject({
      inChannels: 4,
      conditionChannels: [8, 8, 16, 16],
      channelOrder: 'rgb',
      denseBlocks: 0,
    });
    expect(config.levels.map(({ channels, downTransformers }) => [channels, downTransformers])).toEqual([
      [16, 1],
      [32, 1],
      [32, 0],
    ]);
  });

  it('reads PASD’s, with and without dense blocks', () => {
    const json = readConfig('pasd-tiny/controlnet');
    expect(parseControlNetConfig(json).denseBlocks).toBe(0);
    expect(parseControlNetConfig({ ...json, use_rrdb: true }).denseBlocks).toBe(2);
  });

  it('takes diffusers’ defaults for what a file leaves out', () => {
    const config = parseControlNetConfig({ _class_name: 'ControlNetModel', cross_attention_dim: 768 });
    expect(config.conditionChannels).toEqual([16, 32, 96, 256]);
    expect(config.levels.map(({ channels }) => channels)).toEqual([320, 640, 1280, 1280]);
  });

  it.each<[string, JsonObject]>([
    ['_class_name', { _class_name: 'FluxControlNetModel' }],
    ['global_pool_conditions', { global_pool_conditions: true }],
    ['conditioning_channels', { conditioning_channels: 1 }],
    ['controlnet_conditioning_channel_order', { controlnet_conditioning_channel_order: 'lab' }],
    ['in_channels', { in_channels: 9 }],
    ['num_control_type', { num_control_type: 6 }],
  ])('refuses another %s', (member, change) => {
    const json = { ...readConfig('controlnet-sd-tiny'), ...change };
    expect(() => parseControlNetConfig(json)).toThrow(
      expect.objectContaining({ name: 'UnsupportedModelError', message: expect.stringContaining(member) }),
    );
  });

  it.each([[[8, 8, 16]], [[8, 8, 16, 0]], ['8']])('refuses %j channels of the condition', (channels) => {
    const json = { ...readConfig('controlnet-sd-tiny'), conditioning_embedding_out_channels: channels };
    expect(() => parseControlNetConfig(json)).toThrow(
      expect.objectContaining({
        name: 'CheckpointError',
        message: expect.stringContaining('"controlnet/config.json"'),
      }),
    );
  });
});
