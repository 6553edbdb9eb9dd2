import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemorySink } from '../e2e/clip/memorySink.ts';
import { type ByteSource, bytesSource } from '../src/checkpoint/byteSource.ts';
import { isDiffusionFolder } from '../src/checkpoint/diffusionParts.ts';
import type { Precision } from '../src/graph/weights.ts';
import { planDiffusion } from './planDiffusion.ts';
import { planMaps } from './planMaps.ts';

const FIXTURES = fileURLToPath(new URL('../reference/fixtures/', import.meta.url));

/**
 * SHA-256 of all weights of a model, one after another by name: first written by a compiler that took each tensor whole,
 * through float32 and in plain loops. Change it only together with what is stored.
 */
const DIGESTS: Record<string, Record<Precision, string>> = {
  'clip-tiny': {
    fp32: '8ef3ac1d7f4515ebdab9d3ccb0aa13870c1b2e0f5f723f7502ce6e3be28fe012',
    fp16: 'b3e6817ed4832ddfd75e29eb2f48af241d59c4eaa435ad245eb51c4121261b3b',
    q8: '52528804b4a13fcbc20b7a19d54f2dccc5ebeaef5120d805e37ef3a633b5811a',
    q4: '0e018d2bba9be5871682ca810597a3fbe847c6a648030692f082fb421400760e',
  },
  'clip-tiny-gelu': {
    fp32: 'd12a95042ff9a53449ba10a65473949dbba2d61a8b67a8b6e82ad9d491e1ac3f',
    fp16: '6746c0bcb0bcd72f884b2fd44110d69b1b0665970db16d44b31c4dea0708597e',
    q8: '84914f854a35796247b67bc63d45e9f8c18dc498f8afe3c99c238e88e01855b4',
    q4: 'e68d1af4b043d88d96d93ac2e1d3dad690a7b3c30f83517b27bd51d32d9635f5',
  },
  'sd-inpainting-tiny': {
    fp32: '95d60d7e0dcf53aa5ebf7005a98f83db704d596415045d35e8a1ac8d776e5ef2',
    fp16: '868a10df76c45551dc887de20ac96bea936038358a6a39367e2dffa8552ad08f',
    q8: 'b5c8354e67eb61f71a32bf6f07bf9348ca03b237bbfe6d433f1e15b3d40c6c2c',
    q4: '97198f3cfb3b314efdd283d5536b3572ff962b86c72ccfba4f1c0d9e0a5f6683',
  },
  'sdxl-inpainting-tiny': {
    fp32: '2e7efa4336711a58441ed74d4f05ed52ad412bd3cd966edcf4b9ddd1e31b14e2',
    fp16: '3d69422a811a70908a190b1fbdc04bd931549c67fbc3d9ff644925c39d6f4757',
    q8: '50c33812963d1f5d22cbf39a36b1904d517a9e480ecbea16770b77fbe543e0ca',
    q4: '47b62c05474ad70554be74c0dc381972b785727875ab22dc0e7ea49cb9601d7c',
  },
  'pasd-tiny': {
    fp32: '0253b812001a1678661d5b7971f1ae2dd99542a796d41e46f1e703ea51c3f1a2',
    fp16: '2a0d99bde839802121782fcba7a75f54f4e9b761e0ebc3cbb92a1c2c88f18fa3',
    q8: 'b18118e5f283f1c677ba77907b6f6232de39c3cc57894dc6745ce8fa3974b9c4',
    q4: '1362e8bbb43131f00222045f9d9eeeb7416c8cff4f450d6bf522fe18004cc5d1',
  },
};

/** One digest over every weight of every part, whatever order they lie in. */
async function digestOf(fixture: string, precision: Precision): Promise<string> {
  const folder = new Map<string, ByteSource>();
  for (const path of readdirSync(join(FIXTURES, fixture), { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.\w+$/.test(path)) folder.set(path, bytesSource(path, readFileSync(join(FIXTURES, fixture, path))));
  }
  const plan = await (isDiffusionFolder(folder) ? planDiffusion : planMaps)(folder, precision);
  const hash = createHash('sha256');
  for (const part of plan.parts) {
    const sink = new MemorySink();
    const index = await part.compile({ sink });
    for (const name of Object.keys(index).sort()) {
      const { type, dims, shard, offset, byteLength } = index[name] as (typeof index)[string];
      hash.update(`${part.name} ${name} ${type} ${dims}\n`);
      hash.update((sink.shards.get(shard) as Uint8Array).subarray(offset, offset + byteLength));
    }
  }
  return hash.digest('hex');
}

describe.each(Object.entries(DIGESTS))('%s', (fixture, digests) => {
  it.each(Object.entries(digests) as [Precision, string][])(
    'is stored as it always was, in %s',
    async (precision, digest) => {
      expect(await digestOf(fixture, precision)).toBe(digest);
    },
  );
});
