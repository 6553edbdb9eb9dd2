import { asymmetricMean, Moments, scaleOf } from './gaussianFit.ts';
import { type GrayImage, halved } from './grayImage.ts';
import { normalisedRows } from './normalisedRows.ts';

/** Features of an image: 18 at each of two scales. */
export const brisqueFeatureCount = 36;

/** BRISQUE's features of a whole image (Mittal 2012, table I), `[36]`; NaN among them where the image is flat. */
export function brisqueFeatures(gray: GrayImage): Float64Array {
  return Float64Array.from([...scaleFeatures(gray), ...scaleFeatures(halved(gray))]);
}

function scaleFeatures(image: GrayImage): number[] {
  const { width, height } = image;
  const own = new Moments();
  const neighbours = [new Moments(), new Moments(), new Moments(), new Moments()] as const;
  const [left, above, aboveLeft, aboveRight] = neighbours;
  const first = new Float64Array(width);
  const upper = new Float64Array(width);
  const addAbove = (row: Float64Array, higher: Float64Array) => {
    for (let x = 0; x < width; x++) {
      const value = row[x] as number;
      above.add(value * (higher[x] as number));
      aboveLeft.add(value * (higher[x === 0 ? width - 1 : x - 1] as number));
      aboveRight.add(value * (higher[x === width - 1 ? 0 : x + 1] as number));
    }
  };
  normalisedRows(image, {
    outside: 'zero',
    onRow: (y, normalised) => {
      for (let x = 0; x < width; x++) {
        const value = normalised[x] as number;
        own.add(value);
        left.add(value * (normalised[x === 0 ? width - 1 : x - 1] as number));
      }
      if (y === 0) first.set(normalised);
      else addAbove(normalised, upper);
      upper.set(normalised);
      // Neighbours wrap around the image, as circshift does in the release.
      if (y === height - 1) addAbove(first, normalised);
    },
  });
  const { shape, variance } = own.symmetric();
  return [
    shape,
    variance,
    ...neighbours.flatMap((products) => {
      const fit = products.asymmetric();
      const scale = scaleOf(fit.shape);
      const mean = asymmetricMean(fit.shape, { left: fit.left * scale, right: fit.right * scale });
      return [fit.shape, mean, fit.left ** 2, fit.right ** 2];
    }),
  ];
}
