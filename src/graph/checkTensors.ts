import type { Checkpoint, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { UserError } from '../errors.ts';
import { consumedTensors, type WeightRecipe } from './weightRecipe.ts';

/** Element types that weights are published in; others are somebody's quantisation. */
const WEIGHT_DTYPES: ReadonlySet<string> = new Set(['F64', 'F32', 'F16', 'BF16']);
/** How many names an error message lists. */
const MAX_NAMED = 3;

/**
 * Compares a checkpoint with what the recipes need, before anything is read.
 * @throws {UserError} `CheckpointError`: a tensor is missing, unexpected, or has another shape or type. Buffers that old
 *   versions of transformers saved (`position_ids`: 0, 1, 2, …) are passed over
 */
export function checkTensors(checkpoint: Checkpoint, recipes: readonly WeightRecipe[]): void {
  const needed = consumedTensors(recipes);
  const missing = [...needed.keys()].filter((name) => !checkpoint.tensors.has(name));
  if (missing.length > 0) {
    throw cannotLoadModel(`${list(missing)} missing from its files`);
  }
  for (const [name, shape] of needed) {
    const tensor = checkpoint.tensors.get(name) as CheckpointTensor;
    if (tensor.shape.join() !== shape.join()) {
      throw cannotLoadTensor(tensor, `is [${tensor.shape}], expected [${shape}]; config.json is of another model`);
    }
    if (!WEIGHT_DTYPES.has(tensor.dtype)) {
      throw cannotLoadTensor(tensor, `is ${tensor.dtype}, expected F32, F16 or BF16; use the unquantised model`);
    }
  }
  const unexpected = [...checkpoint.tensors.keys()].filter(
    (name) => !needed.has(name) && !name.endsWith('.position_ids'),
  );
  if (unexpected.length > 0) {
    throw cannotLoadModel(`${list(unexpected)} not part of what config.json describes; this is another kind of model`);
  }
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
