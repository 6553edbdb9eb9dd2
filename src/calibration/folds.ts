import { philox } from '../diffusion/philox.ts';

/**
 * Parts images into folds of nearly equal size, at random but the same for the same seed. Images of one group (of one prompt) stay
 * together, so that no held-out image shows what others of its group have taught; where there are fewer groups than folds, every
 * image goes by itself.
 *
 * @param groups one for each image; null: a group of its own
 * @returns indices of the images in each fold, ascending
 */
export function seededFolds(
  groups: readonly (string | null)[],
  { folds, seed }: { readonly folds: number; readonly seed: number },
): readonly (readonly number[])[] {
  const grouped = new Map<string, number[]>();
  const named = new Set(groups.filter((group) => group !== null));
  const keepsTogether = named.size + groups.filter((group) => group === null).length >= folds;
  groups.forEach((group, image) => {
    const key = group !== null && keepsTogether ? `g${group}` : `i${image}`;
    const members = grouped.get(key);
    if (members) members.push(image);
    else grouped.set(key, [image]);
  });
  // Large groups first: the small ones then even the sizes out.
  const order = shuffled([...grouped.values()], seed).sort((a, b) => b.length - a.length);
  const parts = Array.from({ length: folds }, (): number[] => []);
  for (const members of order) {
    const smallest = parts.reduce((least, part) => (part.length < least.length ? part : least));
    smallest.push(...members);
  }
  return parts.map((part) => part.sort((a, b) => a - b));
}

/** Fisher-Yates. */
function shuffled<T>(values: T[], seed: number): T[] {
  const block = new Uint32Array(4);
  for (let i = values.length - 1; i > 0; i--) {
    block.fill(0);
    block[0] = i;
    philox(block, seed >>> 0, Math.floor(seed / 2 ** 32));
    const j = Math.floor(((block[0] as number) / 2 ** 32) * (i + 1));
    [values[i], values[j]] = [values[j] as T, values[i] as T];
  }
  return values;
}
