import { asymmetricMean, Moments, scaleOf } from './gaussianFit.ts';
import { type GrayImage, halved } from './grayImage.ts';
import { normalisedRows } from './normalisedRows.ts';

/** Side of a block in pixels (Mittal 2013). */
export const niqeBlock = 96;

/** Features of a block: 18 at each of two scales. */
export const niqeFeatureCount = 36;

/** What is measured of every whole block of an image, row by row. */
export interface NiqeFeatures {
  readonly blocks: number;
  /** `[blocks, 36]`; NaN where a block is flat. */
  readonly features: Float64Array;
  /** Mean local deviation, `[blocks]`: which blocks are sharp. */
  readonly sharpness: Float64Array;
}

/** NIQE's features (Mittal 2013, section 2): of whole blocks of 96 × 96; what is left at the right and at the bottom is dropped. */
export function niqeFeatures(gray: GrayImage): NiqeFeatures {
  const columns = Math.floor(gray.width / niqeBlock);
  const rows = Math.floor(gray.height / niqeBlock);
  const blocks = columns * rows;
  const features = new Float64Array(blocks * niqeFeatureCount);
  const sharpness = new Float64Array(blocks);
  if (blocks === 0) return { blocks, features, sharpness };
  let image = cropped(gray, { width: columns * niqeBlock, height: rows * niqeBlock });
  for (const scale of [0, 1]) {
    const side = niqeBlock / 2 ** scale;
    const { width } = image;
    const band = new Float64Array(width * side);
    normalisedRows(image, {
      outside: 'edge',
      onRow: (y, normalised, deviation) => {
        const first = Math.floor(y / side) * columns;
        band.set(normalised, (y % side) * width);
        if (scale === 0) {
          for (let x = 0; x < width; x++) {
            const block = first + Math.floor(x / side);
            sharpness[block] = (sharpness[block] as number) + (deviation[x] as number) / side ** 2;
          }
        }
        if (y % side !== side - 1) return;
        for (let c = 0; c < columns; c++) {
          const found = blockFeatures(band, { start: c * side, stride: width, side });
          features.set(found, (first + c) * niqeFeatureCount + (scale * niqeFeatureCount) / 2);
        }
      },
    });
    if (scale === 0) image = halved(image);
  }
  return { blocks, features, sharpness };
}

/** 18 features: of the coefficients, then of their products with the neighbour left, above, above left, above right. */
function blockFeatures(
  band: Float64Array,
  { start, stride, side }: { readonly start: number; readonly stride: number; readonly side: number },
): number[] {
  const own = new Moments();
  const left = new Moments();
  const above = new Moments();
  const aboveLeft = new Moments();
  const aboveRight = new Moments();
  for (let y = 0; y < side; y++) {
    const row = start + y * stride;
    // Neighbours wrap around the block, as circshift does in the release.
    const upper = start + ((y + side - 1) % side) * stride;
    for (let x = 0; x < side; x++) {
      const value = band[row + x] as number;
      const before = x === 0 ? side - 1 : x - 1;
      const after = x === side - 1 ? 0 : x + 1;
      own.add(value);
      left.add(value * (band[row + before] as number));
      above.add(value * (band[upper + x] as number));
      aboveLeft.add(value * (band[upper + before] as number));
      aboveRight.add(value * (band[upper + after] as number));
    }
  }
  const fit = own.asymmetric();
  return [
    fit.shape,
    ((fit.left + fit.right) / 2) * scaleOf(fit.shape),
    ...[left, above, aboveLeft, aboveRight].flatMap((products) => {
      const { shape, ...deviations } = products.asymmetric();
      const scale = scaleOf(shape);
      const scales = { left: deviations.left * scale, right: deviations.right * scale };
      return [shape, asymmetricMean(shape, scales), scales.left, scales.right];
    }),
  ];
}

function cropped(
  { width: stride, values }: GrayImage,
  { width, height }: { width: number; height: number },
): GrayImage {
  if (stride === width) return { width, height, values: values.subarray(0, width * height) };
  const kept = values.slice(0, width * height);
  for (let y = 0; y < height; y++) kept.set(values.subarray(y * stride, y * stride + width), y * width);
  return { width, height, values: kept };
}
