import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type OriginalEntry, safetensorsHeader } from '../../e2e/diffusion/originalFiles.ts';
import { planDiffusion } from '../../workers/planDiffusion.ts';
import { UserError } from '../errors.ts';
import { type ByteSource, bytesSource } from './byteSource.ts';
import type { Checkpoint } from './checkpoint.ts';
import { concat, dict, global, int, pickle, tensor, torchFile, tuple, unicode } from './handMadeFiles.ts';
import { unpickle } from './pickle.ts';
import { openSafetensors } from './safetensors.ts';
import { flattenStateDict } from './stateDict.ts';
import { openTorchFile } from './torchFile.ts';
import { openZip } from './zip.ts';

/**
 * Seeded mutations of valid files, and noise: whatever the bytes, a reader answers or throws a `UserError`, reads nothing
 * outside the file, and hands out no tensor larger than the file and the limit on repeated elements allow.
 */
const FIXTURES = new URL('../../reference/fixtures/checkpoints/', import.meta.url);
const SAFETENSORS = ['every_dtype.safetensors', 'sharded/model-00001-of-00003.safetensors'];
const TORCH = [
  'views.pth',
  'deflated.pth',
  'protocol4.pth',
  'trainer.pth',
  'lightning.ckpt',
  'runs_code.pth',
  'legacy.pth',
];
const MUTANTS_PER_FILE = 400;
/** Tensors above this are left unread: `MAX_EXPANDED_BYTES` allows 64 MB each, which is not what is tested here. */
const READ_AT_MOST = 1 << 20;

type Random = (below: number) => number;

/** mulberry32 */
function seededRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Bytes at which formats change their mind. */
const TELLING = [0, 1, 0x7f, 0x80, 0xff, 0x28, 0x2e, 0x52, 0x63, 0x71, 0x7b, 0x7d, 0x5b, 0x5d, 0x22, 0x2c];

/** One edit, or up to eight: a byte changed, a run overwritten, removed, repeated, or the end cut off. */
function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = new Uint8Array(original);
  for (let edits = random(2) === 0 ? 1 : 1 + random(8); edits > 0 && bytes.length > 0; edits--) {
    const at = random(bytes.length);
    const length = 1 + random(16);
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = TELLING[random(TELLING.length)] as number;
        break;
      case 2:
        bytes.fill(TELLING[random(TELLING.length)] as number, at, at + length);
        break;
      case 3:
        bytes = concat(bytes.slice(0, at), bytes.slice(at + length));
        break;
      case 4:
        bytes = concat(bytes.slice(0, at), bytes.slice(at, at + length), bytes.slice(at));
        break;
      case 5:
        if (random(8) === 0) bytes = bytes.slice(0, at);
        break;
    }
  }
  return bytes;
}

const noise = (length: number, random: Random) => Uint8Array.from({ length }, () => random(256));

/** A file that fails the test when it is read outside itself. */
function guarded(name: string, bytes: Uint8Array): ByteSource {
  const source = bytesSource(name, bytes);
  return {
    ...source,
    async read(start, end) {
      if (!(start >= 0 && start <= end && end <= bytes.length))
        throw new Error(`read ${start}..${end} of ${bytes.length}`);
      return source.read(start, end);
    },
  };
}

/** Runs a reader; anything but an answer or a `UserError` fails the test with the mutant's number. */
async function survive(what: string, read: () => unknown): Promise<'answered' | 'refused'> {
  try {
    await read();
    return 'answered';
  } catch (error) {
    if (error instanceof UserError && /^(CheckpointError|UnsupportedModelError)$/.test(error.name)) return 'refused';
    throw new Error(`${what}: ${error}`, { cause: error });
  }
}

async function openAndRead(open: (source: ByteSource) => Promise<Checkpoint>, bytes: Uint8Array): Promise<void> {
  const { tensors } = await open(guarded('x', bytes));
  for (const { byteLength, read } of tensors.values()) {
    expect(byteLength).toBeLessThanOrEqual(Math.max(64_000_000, bytes.length));
    if (byteLength <= READ_AT_MOST) expect((await read()).byteLength).toBe(byteLength);
  }
}

async function tally(count: number, attempt: (i: number) => Promise<'answered' | 'refused'>) {
  const outcomes = { answered: 0, refused: 0 };
  for (let i = 0; i < count; i++) outcomes[await attempt(i)]++;
  return outcomes;
}

describe('mutated files', () => {
  test.each([
    ...SAFETENSORS.map((name) => [name, openSafetensors] as const),
    ...TORCH.map((name) => [name, openTorchFile] as const),
  ])('%s', async (name, open) => {
    const original = readFileSync(new URL(name, FIXTURES));
    const random = seededRandom(name.length);
    const { refused } = await tally(MUTANTS_PER_FILE, (i) =>
      survive(`${name}, mutant ${i}`, () => openAndRead(open, mutate(original, random))),
    );
    // Most mutants must reach a check: a reader that accepts anything would pass otherwise.
    expect(refused).toBeGreaterThan(MUTANTS_PER_FILE / 4);
  });

  test('safetensors: the header alone, its length corrected, so that mutants get past the first check', async () => {
    const original = readFileSync(new URL('every_dtype.safetensors', FIXTURES));
    const headerEnd = 8 + original.readUInt32LE(0);
    const random = seededRandom(1);
    await tally(800, (i) => {
      const header = mutate(original.subarray(8, headerEnd), random);
      const length = new Uint8Array(8);
      new DataView(length.buffer).setUint32(0, header.length, true);
      const bytes = concat(length, header, original.subarray(headerEnd));
      return survive(`header mutant ${i}`, () => openAndRead(openSafetensors, bytes));
    });
  });
});

describe('pickles', () => {
  test('mutated', async () => {
    for (const name of ['trainer.pth', 'protocol4.pth', 'views.pth']) {
      const entries = await openZip(bytesSource(name, readFileSync(new URL(name, FIXTURES))));
      const entry = [...entries.values()].find((candidate) => candidate.name.endsWith('data.pkl'));
      const original = (await entry?.read()) ?? new Uint8Array(0);
      const random = seededRandom(2);
      const { answered, refused } = await tally(800, (i) =>
        survive(`${name} pickle, mutant ${i}`, () => flattenStateDict(unpickle(mutate(original, random), 'x'), 'x')),
      );
      expect(Math.min(answered, refused)).toBeGreaterThan(100);
    }
  });

  test('random programs of valid opcodes', async () => {
    const random = seededRandom(3);
    const words = [
      ...['N', '(', ')', ']', '}', 't', 'e', 'u', 's', 'a', '0', '1', '2', 'R', 'Q', 'b', 0x81, 0x85, 0x86, 0x87, 0x88],
      ...[0x8f, 0x90, 0x91, 0x93, 0x94, concat('q', 1), concat('h', 1), concat('h', 0), int(3), int(0xffffffff)],
      ...[unicode('storage'), unicode('a'), global('torch', 'FloatStorage'), global('collections', 'OrderedDict')],
      ...[global('torch', 'Size'), global('torch._utils', '_rebuild_tensor_v2'), tensor({ shape: [2], stride: [1] })],
      ...[
        global('torch._utils', '_rebuild_parameter'),
        tuple(int(1), int(2)),
        global('numpy.core.multiarray', 'scalar'),
      ],
    ];
    await tally(8000, (i) => {
      const program = Array.from({ length: 1 + random(24) }, () => words[random(words.length)] as Uint8Array);
      return survive(`program ${i}`, () => flattenStateDict(unpickle(concat(0x80, 2, ...program, '.'), 'x'), 'x'));
    });
  });
});

describe('noise', () => {
  test('alone, and after the first bytes of each format', async () => {
    const random = seededRandom(4);
    await tally(500, async (i) => {
      const bytes = noise(random(300), random);
      await survive(`noise ${i} as safetensors`, () => openAndRead(openSafetensors, bytes));
      await survive(`noise ${i} as torch file`, () => openAndRead(openTorchFile, concat('PK', 3, 4, bytes)));
      await survive(`noise ${i} as zip`, () =>
        openZip(guarded('x', concat(bytes, 'PK', 5, 6, bytes.slice(0, 16), 0, 0))),
      );
      return survive(`noise ${i} as pickle`, () => unpickle(concat(0x80, 2, bytes), 'x'));
    });
  });
});

describe('single-file checkpoints', () => {
  const LAYOUTS: Record<string, OriginalEntry[]> = JSON.parse(
    gunzipSync(readFileSync(new URL('../original_layout.json.gz', FIXTURES))).toString(),
  );
  type Header = { name: string; dtype: 'F16' | 'F32' | 'I64'; shape: readonly number[] }[];
  const headerOf = (layout: string): Header =>
    (LAYOUTS[layout] as OriginalEntry[]).map(([name, shape]) => ({ name, dtype: 'F16', shape }));
  const words = new Map([
    ['vocab.json', bytesSource('vocab.json', concat(JSON.stringify(Object.fromEntries(words924()))))],
    ['merges.txt', bytesSource('merges.txt', concat('#version: 0.2\n'))],
  ]);
  function words924(): [string, number][] {
    return Array.from({ length: 924 }, (_, i) => [`w${i}`, i]);
  }

  /** A file of which nothing but the header may be read: whatever it says about its weights costs nothing. */
  function withoutWeights(header: Header, edit: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): ByteSource {
    const whole = safetensorsHeader(header);
    const edited = edit(whole.subarray(8));
    const length = new Uint8Array(8);
    new DataView(length.buffer).setUint32(0, edited.length, true);
    const bytes = concat(length, edited);
    const dataBytes = header.reduce(
      (sum, { shape }) => sum + 2 * shape.reduce((product, size) => product * size, 1),
      0,
    );
    return {
      name: 'x.safetensors',
      size: bytes.length + dataBytes,
      async read(start, end) {
        if (end > Math.max(bytes.length, 64)) throw new Error(`read ${start}..${end} beyond the header`);
        return concat(bytes, new Uint8Array(64)).slice(start, end);
      },
    };
  }

  /** All that is decided before a weight is read, but for the comparison of names, which compiling begins with. */
  async function plan(source: ByteSource): Promise<void> {
    const { parts } = await planDiffusion(new Map([[source.name, source]]), 'fp16', { tokenizer: words });
    const stop = new Error('compiled so far');
    for (const part of parts) {
      const sink = { append: () => Promise.reject(stop) };
      await part.compile({ sink, signal: AbortSignal.abort(stop) }).catch((error) => {
        if (error !== stop) throw error;
      });
    }
  }

  const SIZES = [0, 1, 2, 3, 5, 7, 9, 16, 64, 77, 320, 1024, 1 << 20, 1 << 30];
  const FOREIGN = ['joint_blocks.0.x', 'lora_unet_x', 'label_emb.0.0.weight', 'out.2.weight', '', '.', '__proto__'];

  /** One change, or up to eight: a tensor renamed, dropped, doubled, of another shape, or a foreign one added. */
  function garble(original: Header, random: Random): Header {
    const header = [...original];
    for (let edits = 1 + random(8); edits > 0; edits--) {
      const at = random(header.length);
      const found = header[at] as Header[number];
      const name = new TextDecoder().decode(mutate(new TextEncoder().encode(found.name), random));
      switch (random(6)) {
        case 0:
          header[at] = { ...found, name };
          break;
        case 1:
          header.splice(at, 1 + random(40));
          break;
        case 2:
          header.push({ ...found, name });
          break;
        case 3:
          header[at] = {
            ...found,
            shape: found.shape.map((size) => (random(2) ? size : (SIZES[random(14)] as number))),
          };
          break;
        case 4:
          header[at] = { ...found, shape: Array.from({ length: random(6) }, () => SIZES[random(10)] as number) };
          break;
        case 5: {
          const prefix = /^\w+\.\w+\./.exec(found.name)?.[0] ?? '';
          header.push({ ...found, name: (random(2) ? prefix : '') + (FOREIGN[random(FOREIGN.length)] as string) });
          break;
        }
      }
    }
    return header;
  }

  test.each(['sd-inpainting-tiny', 'sdxl-inpainting-tiny'])('%s as it is', async (layout) => {
    await expect(plan(withoutWeights(headerOf(layout)))).resolves.toBeUndefined();
  });

  test.each(['sd-inpainting-tiny', 'sdxl-inpainting-tiny', 'sdxl-inpainting'])('%s, garbled', async (layout) => {
    const original = headerOf(layout);
    const random = seededRandom(layout.length);
    const { refused } = await tally(layout.endsWith('tiny') ? 60 : 15, (i) =>
      survive(`${layout}, mutant ${i}`, () => plan(withoutWeights(garble(original, random)))),
    );
    expect(refused).toBeGreaterThan(10);
  });

  test('headers mutated byte by byte', async () => {
    const original = headerOf('sd-inpainting-tiny');
    const random = seededRandom(6);
    const { refused } = await tally(150, (i) =>
      survive(`header ${i}`, () => plan(withoutWeights(original, (bytes) => mutate(bytes, random)))),
    );
    expect(refused).toBeGreaterThan(75);
  });

  test('random names of the layout, of no consistent model', async () => {
    const random = seededRandom(7);
    const all = [...headerOf('sd-inpainting-tiny'), ...headerOf('sdxl-inpainting-tiny')];
    await tally(150, (i) => {
      const chosen = new Map<string, Header[number]>();
      for (let n = random(60); n >= 0; n--) {
        const { name, shape } = all[random(all.length)] as Header[number];
        const renumbered = name.replace(/\d+/g, (found) => (random(4) ? found : String(random(1000))));
        chosen.set(renumbered, { name: renumbered, dtype: random(9) ? 'F16' : 'F32', shape: random(3) ? shape : [] });
      }
      return survive(`names ${i}`, () => plan(withoutWeights([...chosen.values()])));
    });
  });

  test('.ckpt files of random names', async () => {
    const random = seededRandom(8);
    const all = headerOf('sdxl-inpainting-tiny');
    await tally(60, (i) => {
      const state: Record<string, Uint8Array> = {};
      for (let n = random(200); n >= 0; n--) {
        const { name, shape } = all[random(all.length)] as Header[number];
        state[name] = tensor({
          shape: random(3) ? shape : [1],
          stride: shape.map(() => random(3)),
          count: random(5000),
        });
      }
      const bytes = torchFile(pickle(dict({ state_dict: dict(state) })), { 0: new Float32Array(5000) });
      return survive(`ckpt ${i}`, () => plan(guarded('x.ckpt', random(2) ? bytes : mutate(bytes, random))));
    });
  });
});
