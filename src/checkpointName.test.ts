import { expect, test } from 'vitest';
import { isCheckpointName } from './checkpointName.ts';

test.each([
  'dreamshaper_8.safetensors',
  'v1-5-pruned.ckpt',
  'SDXL.SAFETENSORS',
  'models.safetensors',
  'RealESRGAN.pth',
])('%s may be a whole model', (name) => expect(isCheckpointName(name)).toBe(true));

test.each([
  'model.safetensors',
  'model.fp16.safetensors',
  'model-00001-of-00002.safetensors',
  'diffusion_pytorch_model.safetensors',
  'diffusion_pytorch_model.non_ema.safetensors',
  'PQ-Refine.pth',
  'pytorch_model.bin',
  'notes.safetensors.txt',
])('%s is none', (name) => expect(isCheckpointName(name)).toBe(false));
