import { expect, test } from 'vitest';
import { sortFiles } from './modelFolder.ts';

const file = (path: string, { type = '', size = 1 } = {}) => ({
  path,
  file: new File([new Uint8Array(size)], path.slice(path.lastIndexOf('/') + 1), { type }),
});

test('a folder with config.json and weights is a model, with paths relative to it', () => {
  const { models, images, ignored } = sortFiles([
    file('clip/config.json'),
    file('clip/model.safetensors', { size: 40 }),
    file('clip/vocab.json'),
    file('clip/README.md'),
    file('clip/figures/example.png', { type: 'image/png' }),
  ]);
  expect(models).toHaveLength(1);
  expect(models[0]?.name).toBe('clip');
  expect(models[0]?.files.map(({ path }) => path)).toEqual(['config.json', 'model.safetensors', 'vocab.json']);
  expect(models[0]?.weightBytes).toBe(40);
  expect(images).toEqual([]);
  expect(ignored).toBe(0);
});

test('plain files that make a model are one, and images beside them are images', () => {
  const { models, images } = sortFiles([
    file('config.json'),
    file('model-00001-of-00002.safetensors'),
    file('model.safetensors.index.json'),
    file('dog.png', { type: 'image/png' }),
  ]);
  expect(models.map(({ name, files }) => [name, files.length])).toEqual([['Model', 3]]);
  expect(images.map(({ name }) => name)).toEqual(['dog.png']);
});

test('torch weights make a model too, and count only where there are no safetensors', () => {
  const torch = [file('config.json'), file('pytorch_model.bin', { size: 30 }), file('merges.txt')];
  expect(sortFiles(torch).models[0]).toMatchObject({ weightBytes: 30, files: [{}, {}, {}] });
  const both = [...torch, file('model.safetensors', { size: 20 })];
  expect(sortFiles(both).models[0]?.weightBytes).toBe(20);
  expect(sortFiles([file('config.json'), file('firmware.bin')]).models).toEqual([]);
});

test('a snapshot of the hub cache is named after its repository', () => {
  const root = 'models--openai--clip-vit-base-patch16/snapshots/57c216476eefef5ab752ec549e440a49ae4ae5f3';
  const { models } = sortFiles([file(`${root}/config.json`), file(`${root}/model.safetensors`)]);
  expect(models[0]?.name).toBe('openai/clip-vit-base-patch16');
});

test('a folder of images is images; a type is not needed where the name tells', () => {
  const { images, models, ignored } = sortFiles([
    file('renders/a.PNG'),
    file('renders/b.webp', { type: 'image/webp' }),
    file('renders/notes.txt'),
  ]);
  expect(images.map(({ name }) => name)).toEqual(['a.PNG', 'b.webp']);
  expect(models).toEqual([]);
  expect(ignored).toBe(1);
});

test('weights without a configuration are no model', () => {
  expect(sortFiles([file('x/model.safetensors')])).toEqual({ images: [], models: [], ignored: 1 });
});

test('a pipeline is one model with all its parts, and copies of its weights do not count', () => {
  const { models } = sortFiles([
    file('sd-inpainting/model_index.json'),
    file('sd-inpainting/sd-v1-5-inpainting.safetensors', { size: 900 }),
    file('sd-inpainting/unet/config.json'),
    file('sd-inpainting/unet/diffusion_pytorch_model.safetensors', { size: 40 }),
    file('sd-inpainting/unet/diffusion_pytorch_model.fp16.safetensors', { size: 20 }),
    file('sd-inpainting/unet/diffusion_pytorch_model.bin', { size: 40 }),
    file('sd-inpainting/vae/config.json'),
    file('sd-inpainting/vae/diffusion_pytorch_model.fp16.safetensors', { size: 5 }),
    file('sd-inpainting/text_encoder/config.json'),
    file('sd-inpainting/text_encoder/pytorch_model.bin', { size: 7 }),
    file('sd-inpainting/safety_checker/config.json'),
    file('sd-inpainting/safety_checker/model.safetensors', { size: 500 }),
    file('sd-inpainting/tokenizer/vocab.json'),
    file('sd-inpainting/scheduler/scheduler_config.json'),
  ]);
  expect(models.map(({ name, weightBytes }) => [name, weightBytes])).toEqual([['sd-inpainting', 52]]);
  expect(models[0]?.files.map(({ path }) => path)).toContain('unet/config.json');
});

test('a UNet and its ControlNet without an index are one model', () => {
  const { models } = sortFiles([
    file('pasd/unet/config.json'),
    file('pasd/unet/diffusion_pytorch_model.safetensors'),
    file('pasd/controlnet/config.json'),
    file('pasd/controlnet/diffusion_pytorch_model.safetensors'),
  ]);
  expect(models.map(({ name, files }) => [name, files.length])).toEqual([['pasd', 4]]);
});

test('models side by side stay apart', () => {
  const { models } = sortFiles([
    file('all/clip/config.json'),
    file('all/clip/model.safetensors'),
    file('all/sdxl/model_index.json'),
    file('all/sdxl/unet/config.json'),
    file('all/sdxl/unet/diffusion_pytorch_model.safetensors'),
  ]);
  expect(models.map(({ name }) => name).sort()).toEqual(['clip', 'sdxl']);
});

test('an index without any weights is no model', () => {
  expect(sortFiles([file('sd/model_index.json'), file('sd/unet/config.json')]).models).toEqual([]);
});

test('a checkpoint in one file is a model of its name, alone or in any folder', () => {
  const { models, images, ignored } = sortFiles([
    file('inpainting/epicrealism-Inpainting.safetensors', { size: 40 }),
    file('inpainting/sd-v1-5-inpainting.ckpt', { size: 70 }),
    file('inpainting/epicrealism-Inpainting.png', { type: 'image/png' }),
    file('inpainting/notes.md'),
  ]);
  expect(models).toMatchObject([
    { name: 'epicrealism-Inpainting', weightBytes: 40, singleFile: { hasTokenizer: false } },
    { name: 'sd-v1-5-inpainting', weightBytes: 70, singleFile: { hasTokenizer: false } },
  ]);
  expect(models.map(({ files }) => files.map(({ path }) => path))).toEqual([
    ['epicrealism-Inpainting.safetensors'],
    ['sd-v1-5-inpainting.ckpt'],
  ]);
  expect(images).toHaveLength(1);
  expect(ignored).toBe(1);
});

test('what completes a checkpoint comes with it', () => {
  const { models, ignored } = sortFiles([
    file('xl/inpainting.safetensors', { size: 100 }),
    file('xl/vae/config.json'),
    file('xl/vae/diffusion_pytorch_model.safetensors', { size: 10 }),
    file('xl/vocab.json'),
    file('xl/merges.txt'),
  ]);
  expect(models).toHaveLength(1);
  expect(models[0]).toMatchObject({ name: 'inpainting', weightBytes: 110, singleFile: { hasTokenizer: true } });
  expect(models[0]?.files.map(({ path }) => path)).toEqual([
    'inpainting.safetensors',
    'vae/config.json',
    'vae/diffusion_pytorch_model.safetensors',
    'vocab.json',
    'merges.txt',
  ]);
  expect(ignored).toBe(0);
});

test('a checkpoint beside a model folder is another model; one inside of it belongs to it', () => {
  const { models } = sortFiles([
    file('all/clip/config.json'),
    file('all/clip/model.safetensors'),
    file('all/clip/PQ-overall.pth'),
    file('all/inpainting.ckpt'),
    file('all/pasd/unet/config.json'),
    file('all/pasd/unet/diffusion_pytorch_model.safetensors'),
    file('all/pasd/controlnet/config.json'),
    file('all/pasd/controlnet/diffusion_pytorch_model.safetensors'),
    file('all/pasd/v1-5-pruned.ckpt'),
  ]);
  expect(models.map(({ name, files }) => [name, files.length]).sort()).toEqual([
    ['clip', 3],
    ['inpainting', 1],
    ['pasd', 5],
  ]);
  expect(models.find(({ name }) => name === 'pasd')?.singleFile).toBeUndefined();
});

test('learned contexts alone, and weights named as on the hub without a configuration, are no model', () => {
  const names = ['PQ-overall.pth', 'model.fp16.safetensors', 'model-00001-of-00002.safetensors', 'pytorch_model.bin'];
  expect(sortFiles(names.map((name) => file(name))).models).toEqual([]);
});
