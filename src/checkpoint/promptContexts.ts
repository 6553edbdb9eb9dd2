import type { ByteSource, HubFolder } from './byteSource.ts';
import type { Checkpoint } from './checkpoint.ts';
import { checkpointError } from './checkpointError.ts';
import { tensorAsFloat32 } from './dtypes.ts';
import { openTorchFile } from './torchFile.ts';

/** What PQ-Map rates, each by its own pair of texts (good, bad). G-Refine eq. 2; order as in eq. 3. */
export const PROMPT_FACTORS = ['overall', 'technical', 'rationality', 'naturalness'] as const;
export type PromptFactor = (typeof PROMPT_FACTORS)[number];

/** Names under which Q-Future/Q-Refine publishes the learned contexts. */
export const PROMPT_CONTEXT_FILES: Readonly<Record<PromptFactor, string>> = {
  overall: 'PQ-overall.pth',
  technical: 'PQ-technical.pth',
  rationality: 'PQ-rational.pth',
  naturalness: 'PQ-natural.pth',
};

/**
 * One learned pair of prompts (spec "PQ-Map", `learned`), token embeddings before the positional embedding is added.
 * Index 0 of the pair is good, 1 is bad.
 */
export interface PromptContext {
  /** Learned vectors, `[2, contextTokens, width]`. */
  readonly ctx: Float32Array;
  /** Embedding of SOS, `[2, 1, width]`. */
  readonly tokenPrefix: Float32Array;
  /** Embeddings of the class text, EOT and padding, `[2, contextLength - 1 - contextTokens, width]`. */
  readonly tokenSuffix: Float32Array;
  /** Learned vectors of each prompt: 16 in the published files. */
  readonly contextTokens: number;
  /** Width of the text transformer they were learned with: 512. */
  readonly width: number;
  /** Positions of a whole sequence: 77. */
  readonly contextLength: number;
}

/** The factors' contexts; all have the same width and length. */
export type PromptContexts = Readonly<Record<PromptFactor, PromptContext>>;

const PAIR = 2;

/**
 * Reads the four published files.
 * @throws {UserError} `CheckpointError`: unreadable, other tensors or shapes, values that are not finite, factors of different
 *   width or length
 */
export async function readPromptContexts(files: Readonly<Record<PromptFactor, ByteSource>>): Promise<PromptContexts> {
  const overall = await readPromptContext(files.overall);
  const read = async (factor: PromptFactor) => {
    const context = await readPromptContext(files[factor]);
    if (context.width !== overall.width || context.contextLength !== overall.contextLength) {
      throw checkpointError(
        files[factor].name,
        `its prompts are ${context.contextLength}×${context.width}, expected ${overall.contextLength}×${overall.width} as in "${files.overall.name}"; use four files of one release`,
      );
    }
    return context;
  };
  return {
    overall,
    technical: await read('technical'),
    rationality: await read('rationality'),
    naturalness: await read('naturalness'),
  };
}

async function readPromptContext(source: ByteSource): Promise<PromptContext> {
  const checkpoint = await openTorchFile(source);
  const ctx = await readPair(checkpoint, { file: source.name, name: 'prompt_learner.ctx' });
  const prefix = await readPair(checkpoint, {
    file: source.name,
    name: 'prompt_learner.token_prefix',
    tokens: 1,
    width: ctx.width,
  });
  const suffix = await readPair(checkpoint, {
    file: source.name,
    name: 'prompt_learner.token_suffix',
    width: ctx.width,
  });
  return {
    ctx: ctx.values,
    tokenPrefix: prefix.values,
    tokenSuffix: suffix.values,
    contextTokens: ctx.tokens,
    width: ctx.width,
    contextLength: prefix.tokens + ctx.tokens + suffix.tokens,
  };
}

async function readPair(
  checkpoint: Checkpoint,
  expected: { file: string; name: string; tokens?: number; width?: number },
): Promise<{ values: Float32Array; tokens: number; width: number }> {
  const { file, name } = expected;
  const tensor = checkpoint.tensors.get(name);
  if (!tensor) throw checkpointError(file, `tensor "${name}" is missing; this is not a PQ-Map context file`);
  const [pair, tokens = 0, width = 0] = tensor.shape;
  if (
    tensor.shape.length !== 3 ||
    pair !== PAIR ||
    tokens !== (expected.tokens ?? tokens) ||
    width !== (expected.width ?? width) ||
    tokens * width === 0
  ) {
    throw checkpointError(
      file,
      `tensor "${name}" is [${tensor.shape}], expected [${PAIR},${expected.tokens ?? 'tokens'},${expected.width ?? 'width'}]; this is not a PQ-Map context file`,
    );
  }
  const values = await tensorAsFloat32(tensor);
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    throw checkpointError(file, `tensor "${name}" has ${values[broken]} at element ${broken}, expected finite numbers`);
  }
  return { values, tokens, width };
}

/**
 * Finds the four files, by name in any case, anywhere in a dropped folder; all in one directory, the nearest to the top.
 * @returns null where no directory has all four
 */
export function findPromptContexts(folder: HubFolder): Readonly<Record<PromptFactor, ByteSource>> | null {
  const directories = new Map<string, Map<string, ByteSource>>();
  for (const [path, source] of folder) {
    const slash = path.lastIndexOf('/') + 1;
    const directory = path.slice(0, slash);
    const files = directories.get(directory) ?? new Map<string, ByteSource>();
    directories.set(directory, files.set(path.slice(slash).toLowerCase(), source));
  }
  const depth = (directory: string) => directory.split('/').length;
  for (const [, files] of [...directories].sort(([a], [b]) => depth(a) - depth(b))) {
    const find = (factor: PromptFactor) => files.get(PROMPT_CONTEXT_FILES[factor].toLowerCase());
    const [overall, technical, rationality, naturalness] = PROMPT_FACTORS.map(find);
    if (overall && technical && rationality && naturalness) return { overall, technical, rationality, naturalness };
  }
  return null;
}
