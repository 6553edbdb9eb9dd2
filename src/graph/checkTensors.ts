import type { Checkpoint, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { UserError } from '../errors.ts';
import type { RecipeSource, WeightRecipe } from './weightRecipe.ts';

/** Element types that weights are published in; others are somebody's quantisation. */
const WEIGHT_DTYPES: ReadonlySet<string> = new Set(['F64', 'F32', 'F16', 'BF16']);
/**
 * What files carry and no graph reads: buffers of old versions of transformers (0, 1, 2, …), and heads of PASD's ControlNet
 * that only its training uses.
 */
const UNREAD = /\.position_ids$|^controlnet_cond_embedding\.to_rgbs\.\d+\.(weight|bias)$/;
/** How many names an error message lists. */
const MAX_NAMED = 3;

/** The tensor a source means, under whichever of its names the checkpoint has; of several, the one whose shape fits. */
export function sourceTensor({ tensors }: Checkpoint, source: RecipeSource): CheckpointTensor | undefined {
  const named = namesOf(source).filter(({ tensor }) => tensors.has(tensor));
  const fitting = named.find(({ tensor, shape }) => tensors.get(tensor)?.shape.join() === shape.join()) ?? named[0];
  return fitting && tensors.get(fitting.tensor);
}

/**
 * Compares a checkpoint with what the recipes need, before anything is read.
 * @throws {UserError} `CheckpointError`: a tensor is missing, unexpected, or has another shape or type. What no
 *   graph reads is passed over
 */
export function checkTensors(checkpoint: Checkpoint, recipes: readonly WeightRecipe[]): void {
  const sources = recipes.flatMap((recipe) => recipe.sources);
  const missing = sources.filter((source) => !sourceTensor(checkpoint, source));
  if (missing.length > 0) {
    throw cannotLoadModel(`${list([...new Set(missing.map(({ tensor }) => tensor))])} missing from its files`);
  }
  for (const source of sources) {
    const tensor = sourceTensor(checkpoint, source) as CheckpointTensor;
    const shapes = namesOf(source).filter((named) => named.tensor === tensor.name);
    if (!shapes.some(({ shape }) => tensor.shape.join() === shape.join())) {
      const expected = shapes[0]?.shape ?? source.shape;
      throw cannotLoadTensor(tensor, `is [${tensor.shape}], expected [${expected}]; config.json is of another model`);
    }
    if (!WEIGHT_DTYPES.has(tensor.dtype)) {
      throw cannotLoadTensor(tensor, `is ${tensor.dtype}, expected F32, F16 or BF16; use the unquantised model`);
    }
  }
  const needed = new Set(sources.flatMap((source) => namesOf(source).map(({ tensor }) => tensor)));
  const unexpected = [...checkpoint.tensors.keys()].filter((name) => !needed.has(name) && !UNREAD.test(name));
  if (unexpected.length > 0) {
    throw cannotLoadModel(`${list(unexpected)} not part of what config.json describes; this is another kind of model`);
  }
}

function namesOf(source: RecipeSource): readonly Omit<RecipeSource, 'aliases'>[] {
  return [source, ...(source.aliases ?? [])];
}

/** @param detail what is wrong, what was expected and what to do, without a full stop */
export function cannotLoadTensor(tensor: CheckpointTensor, detail: string): UserError {
  return new UserError('CheckpointError', `Cannot load "${tensor.file}": tensor "${tensor.name}" ${detail}`);
}

function cannotLoadModel(detail: string): UserError {
  return new UserError('CheckpointError', `Cannot load the model: ${detail}`);
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).map((name) => `"${name}"`);
  const rest = names.length - shown.length;
  if (rest > 0) shown.push(`${rest} more`);
  return names.length === 1 ? `tensor ${shown} is` : `tensors ${shown.join(', ')} are`;
}
