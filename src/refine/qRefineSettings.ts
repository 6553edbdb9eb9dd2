/**
 * What decides Q-Refine (arXiv 2401.01117) beside the settings of the models. The paper's prose says that the map is cut into n × n
 * parts, that two thresholds tell three qualities apart, and that every intensity is a function of the map; all numbers are [ours].
 */
export interface QRefineSettings {
  /** n: the map is averaged over n × n parts of the image. */
  readonly gridSide: number;
  /** Parts of a quality below it are of low quality, 0..1. */
  readonly lowBelow: number;
  /** Parts of at least this quality are of high quality and not repainted, 0..1; at least `lowBelow`. */
  readonly highFrom: number;
  /** Standard deviation of the noise on a part of quality 0, where RGB is −1..1; none at `lowBelow`. */
  readonly largestNoise: number;
  /** Width of the mask's soft edge, which lies inside what is repainted, in sides of a part. */
  readonly maskSmoothing: number;
  /** An image whose mean quality is below it is enhanced with its prompt, any other without, 0..1. */
  readonly promptedBelow: number;
  /** Strength of the enhancement of an image of quality 1, above 0 and at most 1. */
  readonly smallestEnhancement: number;
  /** The same of an image of quality 0. */
  readonly largestEnhancement: number;
}

/** Settings of Q-Refine unless the user changes them. */
export const defaultQRefineSettings: QRefineSettings = {
  gridSide: 8,
  lowBelow: 0.35,
  highFrom: 0.65,
  largestNoise: 0.3,
  maskSmoothing: 0.5,
  promptedBelow: 0.5,
  smallestEnhancement: 0.1,
  largestEnhancement: 0.3,
};
