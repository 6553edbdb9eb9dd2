import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ByteSource, bytesSource, type HubFolder } from './byteSource.ts';
import { dict, pickle, tensor, torchFile } from './handMadeFiles.ts';
import { findPromptContexts, PROMPT_FACTORS, readPromptContexts } from './promptContexts.ts';

/** The published files, which are not part of the project. */
const PUBLISHED = new URL('../../../shared/data/pq_embeddings/', import.meta.url);

function published(): HubFolder {
  return new Map(
    readdirSync(PUBLISHED).map((name) => [
      `pq/${name}`,
      bytesSource(`pq/${name}`, readFileSync(new URL(name, PUBLISHED))),
    ]),
  );
}

describe.skipIf(!existsSync(PUBLISHED))('the published contexts (skipped where ../shared/data is missing)', () => {
  // First two elements, last element and sum of ctx, from torch.load of the same files.
  const TORCH = {
    overall: [-0.2815494239330292, -0.11109579354524612, -0.20194141566753387, -1.3208155504298702],
    technical: [-0.20714306831359863, -0.10646752268075943, 0.09639182686805725, 6.012783541353656],
    rationality: [0.006283122580498457, -0.007645861245691776, 0.05600213631987572, -0.5927753804319309],
    naturalness: [0.13118091225624084, 0.2970718443393707, 0.18290212750434875, -14.183047085696217],
  };

  test('have the values that torch reads', async () => {
    const files = findPromptContexts(published());
    if (!files) throw new Error('the four files were not found');
    const contexts = await readPromptContexts(files);
    for (const factor of PROMPT_FACTORS) {
      const { ctx, tokenPrefix, tokenSuffix, ...sizes } = contexts[factor];
      expect(sizes).toEqual({ contextTokens: 16, width: 512, contextLength: 77 });
      expect([ctx.length, tokenPrefix.length, tokenSuffix.length]).toEqual([2 * 16 * 512, 2 * 512, 2 * 60 * 512]);
      const [first, second, last, sum] = TORCH[factor] as [number, number, number, number];
      expect([ctx[0], ctx[1], ctx.at(-1)]).toEqual([first, second, last]);
      expect(ctx.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 9);
      expect([tokenPrefix[0], tokenPrefix.at(-1)]).toEqual([-0.0012950897216796875, -0.0022602081298828125]);
      expect([tokenSuffix[0], tokenSuffix.at(-1)]).toEqual([-0.006496429443359375, -0.0259246826171875]);
    }
  });
});

/** A context file by hand: two learned vectors, three tokens after them, width 2. */
function contextFile(
  name: string,
  { ctx = [2, 2, 2], prefix = [2, 1, 2], suffix = [2, 3, 2], fill = 0.5 } = {},
): ByteSource {
  const rowMajor = (shape: number[]) => shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const entry = (key: string, shape: number[]) => tensor({ key, shape, stride: rowMajor(shape) });
  const values = (shape: number[]) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill);
  const data = pickle(
    dict({
      params: dict({
        'prompt_learner.ctx': entry('0', ctx),
        'prompt_learner.token_prefix': entry('1', prefix),
        'prompt_learner.token_suffix': entry('2', suffix),
      }),
    }),
  );
  return bytesSource(name, torchFile(data, { 0: values(ctx), 1: values(prefix), 2: values(suffix) }));
}

const NAMES = {
  overall: 'PQ-overall.pth',
  technical: 'PQ-technical.pth',
  rationality: 'PQ-rational.pth',
  naturalness: 'PQ-natural.pth',
};

function four(changed: Partial<Record<keyof typeof NAMES, ByteSource>> = {}) {
  return {
    overall: contextFile(NAMES.overall),
    technical: contextFile(NAMES.technical),
    rationality: contextFile(NAMES.rationality),
    naturalness: contextFile(NAMES.naturalness),
    ...changed,
  };
}

describe('readPromptContexts', () => {
  test('by hand: sizes follow the tensors', async () => {
    const { naturalness } = await readPromptContexts(four());
    expect(naturalness).toMatchObject({ contextTokens: 2, width: 2, contextLength: 6 });
    expect([...naturalness.tokenPrefix]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  const other = bytesSource(
    'other.pth',
    torchFile(pickle(dict({ w: tensor({ shape: [1], stride: [1] }) })), { 0: Float32Array.of(1) }),
  );
  test.each<[string, ByteSource, RegExp]>([
    [
      'three texts instead of a pair',
      contextFile('x.pth', { ctx: [3, 2, 2] }),
      /"x\.pth": tensor "prompt_learner\.ctx" is \[3,2,2\], expected \[2,tokens,width\]/,
    ],
    [
      'two tokens of SOS',
      contextFile('x.pth', { prefix: [2, 2, 2] }),
      /token_prefix" is \[2,2,2\], expected \[2,1,2\]/,
    ],
    [
      'a suffix of another width',
      contextFile('x.pth', { suffix: [2, 3, 4] }),
      /token_suffix" is \[2,3,4\], expected \[2,tokens,2\]/,
    ],
    ['no learned vectors', contextFile('x.pth', { ctx: [2, 0, 2] }), /ctx" is \[2,0,2\]/],
    ['NaN', contextFile('x.pth', { fill: Number.NaN }), /ctx" has NaN at element 0, expected finite/],
    [
      'another length than the first file',
      contextFile('x.pth', { suffix: [2, 4, 2] }),
      /prompts are 7×2, expected 6×2 as in "PQ-overall\.pth"/,
    ],
    [
      'another checkpoint',
      other,
      /"other\.pth": tensor "prompt_learner\.ctx" is missing; this is not a PQ-Map context file/,
    ],
  ])('refuses %s', async (_, technical, message) => {
    await expect(readPromptContexts(four({ technical }))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(message),
    });
  });
});

describe('findPromptContexts', () => {
  const file = (path: string): [string, ByteSource] => [path, bytesSource(path, new Uint8Array(0))];

  test('finds the four in one directory, in any case, the nearest to the top', () => {
    const names = Object.values(NAMES);
    const deep = names.map((name) => file(`a/b/c/${name}`));
    const near = names.map((name) => file(`a/weights/${name.toUpperCase()}`));
    expect(findPromptContexts(new Map([...deep, ...near]))?.rationality.name).toBe('a/weights/PQ-RATIONAL.PTH');
    expect(findPromptContexts(new Map(deep))?.overall.name).toBe('a/b/c/PQ-overall.pth');
  });

  test('three, or four in two directories, are none', () => {
    const names = Object.values(NAMES);
    expect(findPromptContexts(new Map(names.slice(1).map(file)))).toBeNull();
    expect(findPromptContexts(new Map(names.map((name, i) => file(`${i % 2}/${name}`))))).toBeNull();
    expect(findPromptContexts(new Map())).toBeNull();
  });
});
