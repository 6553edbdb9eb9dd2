import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { UserError } from '../errors.ts';
import { type ByteSource, bytesSource } from './byteSource.ts';
import type { Checkpoint } from './checkpoint.ts';
import { concat, global, int, tensor, tuple, unicode } from './handMadeFiles.ts';
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
const TORCH = ['views.pth', 'deflated.pth', 'protocol4.pth', 'trainer.pth', 'runs_code.pth', 'legacy.pth'];
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
    if (error instanceof UserError && error.name === 'CheckpointError') return 'refused';
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
      ...[global('torch._utils', '_rebuild_parameter'), tuple(int(1), int(2))],
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
