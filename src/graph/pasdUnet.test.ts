import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { parseControlNetConfig } from './controlNetConfig.ts';
import { buildPasd } from './pasdUnet.ts';
import { isPasdUnet, parsePasdUnetConfig, residualChannels } from './pasdUnetConfig.ts';

const readConfig = (folder: string): JsonObject =>
  JSON.parse(readFileSync(new URL(`../../reference/fixtures/${folder}/config.json`, import.meta.url), 'utf8'));

describe('parsePasdUnetConfig', () => {
  const json = readConfig('pasd-tiny/unet');

  it('reads an ordinary UNet’s file; pixel attention is where text attention is not, too', () => {
    const config = parsePasdUnetConfig(json);
    expect(config.pixelTransformers).toEqual([1, 1, 1]);
    expect(config.levels.map(({ upTransformers }) => upTransformers)).toEqual([1, 1, 0]);
  });

  it('knows the residuals that each level on the way up attends to', () => {
    const config = parsePasdUnetConfig(json);
    expect([2, 1, 0].map((level) => residualChannels(config, level))).toEqual([
      [32, 32],
      [32, 16],
      [16, 16],
    ]);
  });

  it.each<[string, JsonObject]>([
    ['in_channels', { in_channels: 9 }],
    ['block_out_channels', { block_out_channels: [16, 32, 64] }],
  ])('refuses %s that PASD’s class does not compute', (member, change) => {
    expect(() => parsePasdUnetConfig({ ...json, ...change })).toThrow(
      expect.objectContaining({ name: 'UnsupportedModelError', message: expect.stringContaining(member) }),
    );
  });
});

describe('isPasdUnet', () => {
  it('looks for pixel attention', () => {
    expect(isPasdUnet(['conv_in.weight', 'up_blocks.0.pixel_attentions.1.proj_in.weight'])).toBe(true);
    expect(isPasdUnet(['conv_in.weight', 'up_blocks.1.attentions.1.proj_in.weight'])).toBe(false);
  });
});

describe('buildPasd', () => {
  it('refuses a ControlNet of another UNet', () => {
    const unet = { config: parsePasdUnetConfig(readConfig('pasd-tiny/unet')), weights: {} };
    const other = { ...readConfig('pasd-tiny/controlnet'), block_out_channels: [16, 32, 64] };
    const controlNet = { config: parseControlNetConfig(other), weights: {} };
    const sizes = { provider: 'wasm', height: 8, width: 8, batch: 2, tokens: 77 } as const;
    expect(() => buildPasd({ unet, controlNet }, sizes)).toThrow(
      expect.objectContaining({
        name: 'CheckpointError',
        message: expect.stringContaining(
          'are 1 × 16, 1 × 32, 1 × 64 for text of 32, expected 1 × 16, 1 × 32, 1 × 32 for',
        ),
      }),
    );
  });
});
