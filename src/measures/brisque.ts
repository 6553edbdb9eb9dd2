import { brisqueFeatures } from './brisqueFeatures.ts';
import type { GrayImage } from './grayImage.ts';

/** A support vector regression with a Gaussian kernel, over features scaled to −1..1. */
export interface BrisqueModel {
  /** Smallest and largest value of each feature in training, `[36]`. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** γ of exp(−γ |x − v|²). */
  readonly gamma: number;
  readonly intercept: number;
  /** `[vectors]` */
  readonly coefficients: readonly number[];
  /** `[vectors, 36]`, scaled. */
  readonly vectors: readonly (readonly number[])[];
}

/** Shortest side in pixels of an image that is measured [ours]: of fewer, half the size has too few for a fit. */
export const smallestBrisqueSide = 32;

/**
 * BRISQUE (Mittal 2012): how badly an image seems distorted, about 0..100, lower is better. It can leave that range for images
 * unlike any it was fitted to.
 * @returns null for flat images and those with a side below {@link smallestBrisqueSide}
 */
export function brisque(gray: GrayImage, model: BrisqueModel): number | null {
  if (Math.min(gray.width, gray.height) < smallestBrisqueSide) return null;
  const features = brisqueFeatures(gray);
  return features.every(Number.isFinite) ? predictSeverity(features, model) : null;
}

/** The regression at one point: features as {@link brisqueFeatures} gives them. */
export function predictSeverity(features: ArrayLike<number>, model: BrisqueModel): number {
  const { low, high, gamma, intercept, coefficients, vectors } = model;
  const scaled = low.map((from, i) => (2 * ((features[i] as number) - from)) / ((high[i] as number) - from) - 1);
  let sum = intercept;
  vectors.forEach((vector, k) => {
    let squares = 0;
    for (let i = 0; i < scaled.length; i++) squares += ((scaled[i] as number) - (vector[i] as number)) ** 2;
    sum += (coefficients[k] as number) * Math.exp(-gamma * squares);
  });
  return sum;
}
