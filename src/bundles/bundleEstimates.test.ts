import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../checkpoint/readJson.ts';
import { parseAutoencoderConfig } from '../graph/autoencoderConfig.ts';
import { autoencoderRecipes } from '../graph/autoencoderWeights.ts';
import { parseClipConfig } from '../graph/clipConfig.ts';
import { CLIP_IMAGE_SIZES } from '../graph/clipWeights.ts';
import { planClip } from '../graph/compileClip.ts';
import { parseControlNetConfig } from '../graph/controlNetConfig.ts';
import { controlNetRecipes } from '../graph/controlNetWeights.ts';
import { parsePasdUnetConfig } from '../graph/pasdUnetConfig.ts';
import { pasdUnetRecipes } from '../graph/pasdUnetWeights.ts';
import { planWeights } from '../graph/storedLayout.ts';
import { parseTextEncoderConfig } from '../graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../graph/textEncoderWeights.ts';
import { parseUnetConfig } from '../graph/unetConfig.ts';
import { unetRecipes } from '../graph/unetWeights.ts';
import type { Precision, WeightIndex } from '../graph/weights.ts';
import { clipPartBytes } from '../runtime/clipEncoder.ts';
import { networkBytes } from '../runtime/denoisingNetwork.ts';
import { codecBytes } from '../runtime/imageCodec.ts';
import { loadedBytes } from '../runtime/memoryEstimate.ts';
import { TierWeights } from '../runtime/tierWeights.ts';
import { BUNDLES } from './bundles.ts';

/** Published configs at full size (reference/*_full_size.py). */
const CONFIGS = Object.assign(
  {},
  ...['clip', 'codec', 'pasd', 'unet'].map((name) =>
    JSON.parse(readFileSync(new URL(`../../reference/fixtures/${name}_full_size.json`, import.meta.url), 'utf8')),
  ),
) as Record<string, { readonly config: JsonObject }>;

const configOf = (name: string) => {
  const published = CONFIGS[name];
  if (!published) throw new Error(`No config of ${name}`);
  return published.config;
};

const tier = 'webgpu-fp16' as const;
const held = (index: WeightIndex) => new TierWeights({ index, shards: new Map() });
const stored = (index: WeightIndex) => Object.values(index).reduce((sum, { byteLength }) => sum + byteLength, 0);

/** A model's weights on disk, and what each of its parts takes on the GPU while it works on an image of 1024². */
interface Estimate {
  readonly diskBytes: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** Crops and tiles as a refinement cuts them: see `regionCrops`, `restorationLayout` and `refineSettings`; sides in pixels. */
const SIZES = { sd15: { crop: 512 }, sdxl: { crop: 1024 }, pasd: { image: 1024, tile: 768 } };
/** Prompt and negative prompt go through the network at once. */
const batch = 2;

function diffusion(
  precision: Precision,
  {
    codec,
    texts,
    network,
    pixels,
  }: {
    codec: string;
    texts: readonly string[];
    network: (precision: Precision) => { index: WeightIndex; bytes: number };
    pixels: number;
  },
): Estimate {
  const config = parseAutoencoderConfig(configOf(codec));
  const vae = planWeights(autoencoderRecipes(config), precision);
  // As workers/planDiffusion.ts has it.
  const textPrecision = precision === 'q4' ? 'q8' : precision;
  const encoders = texts.map((text) =>
    planWeights(textEncoderRecipes(parseTextEncoderConfig(configOf(text))), textPrecision),
  );
  const { index, bytes } = network(precision);
  const codecPart = (half: 'encoder' | 'decoder') =>
    codecBytes({ config, index: vae }, { half, tier, width: pixels, height: pixels });
  return {
    diskBytes: [index, vae, ...encoders].reduce((sum, weights) => sum + stored(weights), 0),
    parts: {
      network: bytes,
      encoder: codecPart('encoder'),
      decoder: codecPart('decoder'),
      ...Object.fromEntries(encoders.map((weights, i) => [`text ${i}`, loadedBytes(weights, { tier })])),
    },
  };
}

function unet(name: string, crop: number) {
  return (precision: Precision) => {
    const config = parseUnetConfig(configOf(name));
    const index = planWeights(unetRecipes(config), precision);
    const size = { width: crop / 8, height: crop / 8 };
    return { index, bytes: networkBytes({ kind: 'unet', config, weights: held(index) }, { tier, batch, ...size }) };
  };
}

function pasd(precision: Precision) {
  const config = parsePasdUnetConfig(configOf('pasd/unet'));
  const index = planWeights(pasdUnetRecipes(config), precision);
  const control = { config: parseControlNetConfig(configOf('pasd/controlnet')) };
  const controlIndex = planWeights(controlNetRecipes(control.config), precision);
  const network = { ...control, weights: held(controlIndex) };
  const side = SIZES.pasd.tile / 8;
  return {
    index: { ...index, ...Object.fromEntries(Object.entries(controlIndex).map(([name, w]) => [`control.${name}`, w])) },
    bytes: networkBytes(
      { kind: 'pasd', config, weights: held(index), controlNet: network },
      { tier, batch, width: side, height: side },
    ),
  };
}

function clip(name: string) {
  return (precision: Precision): Estimate => {
    const config = parseClipConfig(configOf(name));
    const index = planClip(config, precision);
    const sized = { config, index };
    const imageSize = Math.max(...CLIP_IMAGE_SIZES);
    return {
      diskBytes: stored(index),
      parts: {
        vision: clipPartBytes(sized, { part: 'vision', imageSize, tier }),
        text: clipPartBytes(sized, { part: 'text', tier }),
      },
    };
  };
}

const SD_TEXT = 'stable-diffusion-v1-5/text_encoder';
const SD_VAE = 'stable-diffusion-v1-5/vae';

/** Every model that a bundle may have, by its name there. */
const MODELS: Readonly<Record<string, (precision: Precision) => Estimate>> = {
  'CLIP ViT-B/16': clip('openai/clip-vit-base-patch16'),
  'CLIP ViT-L/14': clip('openai/clip-vit-large-patch14'),
  'Stable Diffusion 1.5 Inpainting': (precision) =>
    diffusion(precision, {
      codec: SD_VAE,
      texts: [SD_TEXT],
      network: unet('stable-diffusion-inpainting', SIZES.sd15.crop),
      pixels: SIZES.sd15.crop,
    }),
  'SDXL Inpainting 0.1': (precision) =>
    diffusion(precision, {
      codec: 'sdxl-vae-fp16-fix',
      // The first is the same CLIP as Stable Diffusion 1.5's.
      texts: [SD_TEXT, 'stable-diffusion-xl-base-1.0/text_encoder_2'],
      network: unet('stable-diffusion-xl-1.0-inpainting-0.1', SIZES.sdxl.crop),
      pixels: SIZES.sdxl.crop,
    }),
  PASD: (precision) =>
    diffusion(precision, { codec: SD_VAE, texts: [SD_TEXT], network: pasd, pixels: SIZES.pasd.image }),
};

describe.each(BUNDLES.map((bundle) => [bundle.name, bundle] as const))('%s', (_, bundle) => {
  const estimates = bundle.models.map(({ name, precision }) => {
    const estimate = MODELS[name];
    if (!estimate) throw new Error(`No configs of ${name}`);
    return estimate(precision);
  });

  it('takes the disk space it says', () => {
    expect(bundle.models.map(({ diskBytes }) => diskBytes)).toEqual(estimates.map(({ diskBytes }) => diskBytes));
  });

  it('takes the GPU memory it says: that of its largest part at work, for which all others can leave', () => {
    for (const [i, { parts }] of estimates.entries()) {
      const list = Object.entries(parts).map(([name, bytes]) => `${name} ${(bytes / 2 ** 30).toFixed(2)}`);
      console.log(`${bundle.name}, ${bundle.models[i]?.name}, GiB: ${list.join(', ')}`);
    }
    expect(bundle.vramBytes).toBe(Math.max(...estimates.flatMap(({ parts }) => Object.values(parts))));
  });
});
