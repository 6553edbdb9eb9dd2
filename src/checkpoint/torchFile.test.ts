import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource } from './byteSource.ts';
import { tensorAsFloat32 } from './dtypes.ts';
import { openTorchFile } from './torchFile.ts';

// Written by torch.save; `python3 reference/make_checkpoint_fixtures.py` makes them again.
const FIXTURES = new URL('../../reference/fixtures/checkpoints/', import.meta.url);
const fixture = (name: string) => bytesSource(name, readFileSync(new URL(name, FIXTURES)));
const EXPECTED: Record<string, Record<string, { dtype: string; shape: number[]; hex: string }>> = JSON.parse(
  readFileSync(new URL('expected.json', FIXTURES), 'utf8'),
);

async function contentsOf(name: string) {
  const { tensors } = await openTorchFile(fixture(name));
  const contents: Record<string, unknown> = {};
  for (const tensor of tensors.values()) {
    const bytes = await tensor.read();
    expect(bytes.byteLength).toBe(tensor.byteLength);
    contents[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, hex: Buffer.from(bytes).toString('hex') };
  }
  return contents;
}

describe('openTorchFile gives the bytes that torch saved', () => {
  test.each([
    ['every_dtype.pth', 'ten element types, a scalar, an empty tensor'],
    ['views.pth', 'transposed, sliced, permuted, expanded views and parameters'],
    ['deflated.pth', 'the same, compressed'],
    ['protocol3.pth', 'pickle protocol 3'],
    ['protocol4.pth', 'pickle protocol 4: frames, memoize, global from the stack'],
    ['protocol5.pth', 'pickle protocol 5'],
    ['trainer.pth', 'the state_dict of a training run, without the optimizer beside it'],
    ['lightning.ckpt', "the state_dict of a checkpoint with Lightning's callbacks and numbers of numpy beside it"],
    ['nested.pth', 'nested dicts and lists, names joined by dots'],
  ])('%s: %s', async (name) => {
    expect(await contentsOf(name)).toEqual(EXPECTED[name]);
  });

  test('a tensor on its own is named "tensor"', async () => {
    const { tensors } = await openTorchFile(fixture('bare_tensor.pth'));
    expect([...tensors.keys()]).toEqual(['tensor']);
    const tensor = tensors.get('tensor');
    expect(tensor && [...(await tensorAsFloat32(tensor))]).toEqual([-2.25, -1.5, -0.75]);
  });
});

describe('openTorchFile refuses, saying what to do', () => {
  test.each([
    ['runs_code.pth', /refuses global "(os|posix)\.system".*safetensors/],
    ['whole_module.pth', /refuses global "torch\.nn\.modules\.linear\.Linear".*save only the state dict/],
    ['complex.pth', /refuses global "torch\.ComplexFloatStorage", an element type/],
    ['legacy.pth', /before version 1\.6; save it again in Python: torch\.save\(torch\.load\("legacy\.pth"/],
    ['torchscript.pt', /TorchScript.*state_dict/],
    ['big_endian.pth', /byte order is "big", expected "little"/],
    ['every_dtype.safetensors', /not a file of torch\.save/],
  ])('%s', async (name, message) => {
    await expect(openTorchFile(fixture(name))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(message),
    });
  });

  test('a file cut short', async () => {
    const whole = readFileSync(new URL('views.pth', FIXTURES));
    await expect(openTorchFile(bytesSource('views.pth', whole.subarray(0, 3000)))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('download it again'),
    });
  });

  test('a Git LFS pointer and a web page in place of the file', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n';
    const page = '<!doctype html><html></html>';
    for (const [text, message] of [
      [pointer, 'git lfs pull'],
      [page, 'web page'],
    ] as const) {
      await expect(openTorchFile(bytesSource('x.pth', new TextEncoder().encode(text)))).rejects.toMatchObject({
        name: 'CheckpointError',
        message: expect.stringContaining(message),
      });
    }
  });
});
