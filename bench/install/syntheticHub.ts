import { fileURLToPath } from 'node:url';
import { fileOfBytes, filesOfFolder, type HubFile, type HubFiles, sha256Of } from '../../e2e/hub/hubFiles.ts';
import { HubServer } from '../../e2e/hub/hubServer.ts';
import { syntheticFile } from '../../e2e/hub/syntheticFile.ts';
import codecs from '../../reference/fixtures/codec_full_size.json' with { type: 'json' };
import unets from '../../reference/fixtures/unet_full_size.json' with { type: 'json' };
import { parseAutoencoderConfig } from '../../src/graph/autoencoderConfig.ts';
import { autoencoderRecipes } from '../../src/graph/autoencoderWeights.ts';
import { parseTextEncoderConfig } from '../../src/graph/textEncoderConfig.ts';
import { textEncoderRecipes } from '../../src/graph/textEncoderWeights.ts';
import { parseUnetConfig } from '../../src/graph/unetConfig.ts';
import { unetRecipes } from '../../src/graph/unetWeights.ts';
import { consumedTensors, type WeightRecipe } from '../../src/graph/weightRecipe.ts';
import type { PublishedFile } from '../../src/hub/publishedFile.ts';

const REPOSITORY = 'synthetic/sdxl-inpainting';
const TINY = fileURLToPath(new URL('../../reference/fixtures/sdxl-inpainting-tiny', import.meta.url));

/** A hub with SDXL-inpainting in its published shapes (fp16, 6.9 GB) and made-up weights, which lie nowhere. */
export async function startSyntheticHub(): Promise<{
  readonly hub: HubServer;
  readonly files: readonly PublishedFile[];
  readonly byteLength: number;
}> {
  const unet = unets['stable-diffusion-xl-1.0-inpainting-0.1'].config;
  const vae = codecs['sdxl-vae-fp16-fix'].config;
  const text = codecs['stable-diffusion-v1-5/text_encoder'].config;
  const text2 = codecs['stable-diffusion-xl-base-1.0/text_encoder_2'].config;
  const small = Object.entries(filesOfFolder(TINY)).filter(([path]) => !path.endsWith('.safetensors'));
  const files: HubFiles = {
    ...Object.fromEntries(small),
    ...part('unet/diffusion_pytorch_model', unet, unetRecipes(parseUnetConfig(unet))),
    ...part('vae/diffusion_pytorch_model', vae, autoencoderRecipes(parseAutoencoderConfig(vae))),
    ...part('text_encoder/model', text, textEncoderRecipes(parseTextEncoderConfig(text))),
    ...part('text_encoder_2/model', text2, textEncoderRecipes(parseTextEncoderConfig(text2))),
  };
  // Now, because nobody waits so long for an answer.
  for (const file of Object.values(files)) if (file.isLarge) sha256Of(file);
  const hub = await HubServer.start({ repositories: { [REPOSITORY]: files } });
  const byteLength = Object.values(files).reduce((sum, { size }) => sum + size, 0);
  return { hub, files: hub.publishedFiles(REPOSITORY), byteLength };
}

function part(path: string, config: unknown, recipes: readonly WeightRecipe[]): Record<string, HubFile> {
  const [folder] = path.split('/');
  return {
    [`${folder}/config.json`]: fileOfBytes(new TextEncoder().encode(JSON.stringify(config)), { isLarge: false }),
    [`${path}.fp16.safetensors`]: syntheticFile(consumedTensors(recipes), { dtype: 'F16' }),
  };
}
