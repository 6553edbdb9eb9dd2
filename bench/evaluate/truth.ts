/** Arithmetic of the evaluation: what was found against what is so. */

import type { RgbaImage } from '../../src/image/rgbaImage.ts';
import { averageRanks } from '../../src/math/correlation.ts';
import type { Solid } from './cases.ts';

/** Attributes of the solids, beside their shape: values exclude each other. */
export const RIVALS = {
  colour: ['red', 'orange', 'yellow', 'green', 'cyan', 'blue', 'purple', 'white'],
  size: ['small', 'large'],
  material: ['matte', 'shiny', 'striped'],
} as const;
const SHAPES = ['cube', 'sphere', 'cylinder', 'cone', 'ring', 'star'];

/** Area under the ROC curve of values for a truth, ties counted half; NaN where all is true or nothing. */
export function auroc(values: ArrayLike<number>, truth: ArrayLike<boolean>): number {
  const ranks = averageRanks(values);
  let positives = 0;
  let sum = 0;
  for (let i = 0; i < ranks.length; i++) {
    if (!truth[i]) continue;
    positives++;
    sum += ranks[i] as number;
  }
  const negatives = ranks.length - positives;
  if (positives === 0 || negatives === 0) return Number.NaN;
  return (sum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** What a phrase of a prompt says of the picture: `absent`: nothing has its shape; `wrong`: something has, but not the rest. */
export function truthOf(phrase: string, solids: readonly Solid[]): 'ok' | 'wrong' | 'absent' | null {
  const words = phrase.toLowerCase().split(/[^a-z]+/);
  const one = (all: readonly string[]) => all.find((word) => words.includes(word)) ?? null;
  const shape = SHAPES.find((name) => words.includes(name) || words.includes(`${name}s`)) ?? null;
  // "object", floors and styles are nothing that this knows the truth of.
  if (shape === null) return null;
  const alike = solids.filter((solid) => solid.shape === shape);
  if (alike.length === 0) return 'absent';
  const [colour, size, material] = [one(RIVALS.colour), one(RIVALS.size), one(RIVALS.material)];
  const has = (solid: Solid) =>
    (colour ?? solid.colour) === solid.colour &&
    (size ?? solid.size) === solid.size &&
    (material ?? solid.material) === solid.material;
  return alike.some(has) ? 'ok' : 'wrong';
}

/** Mean of the shares of true and of false cases that are told rightly; NaN where one of the lists is empty. */
export function balancedAccuracy(told: readonly { readonly truth: boolean; readonly told: boolean }[]): number {
  const share = (truth: boolean) => {
    const of = told.filter((one) => one.truth === truth);
    return of.filter((one) => one.told === truth).length / of.length;
  };
  return (share(true) + share(false)) / 2;
}

/** PSNR in dB of two pictures over the pixels of a mask (all without one); 99 where they are equal, NaN for an empty mask. */
export function psnr(a: RgbaImage, b: RgbaImage, mask?: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < a.width * a.height; i++) {
    if (mask && (mask[i] as number) < 128) continue;
    count += 3;
    for (let c = 4 * i; c < 4 * i + 3; c++) sum += ((a.data[c] as number) - (b.data[c] as number)) ** 2;
  }
  if (count === 0) return Number.NaN;
  return sum === 0 ? 99 : Math.min(99, 10 * Math.log10((255 * 255 * count) / sum));
}
