/**
 * A map over the image at patch resolution. Values are what the map's producer says (PQ and AQ: 0..1, 1 = good).
 * It is stretched over the whole image: cell (0,0) covers the top left `1/gridWidth × 1/gridHeight` of it. Upsampling to
 * pixels is bicubic (spec "PQ-Map") and done where the map is drawn or thresholded, see `math/resampling.ts`.
 */
export interface QualityMap {
  readonly gridWidth: number;
  readonly gridHeight: number;
  /** `[gridHeight, gridWidth]` row-major. */
  readonly values: Float32Array;
}

/** The map of an image in which nothing looks bad, on the same grid. */
export function faultless(map: QualityMap): QualityMap {
  return { ...map, values: new Float32Array(map.values.length).fill(1) };
}
