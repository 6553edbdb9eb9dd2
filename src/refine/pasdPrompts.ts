/** The words PASD adds to every prompt (its published defaults). */

/** After P′. */
export const pasdPositiveSuffix = 'clean, high-resolution, 8k';

/** What restored images should not be. */
export const pasdNegativePrompt = 'blurry, dotted, noise, raster lines, unclear, lowres, over-smoothed';

const joined = (parts: readonly string[]) => parts.filter((part) => part.trim() !== '').join(', ');

/** P′ and the user's negative prompt as stage 2 reads them. */
export function pasdPrompts({ positive, negative }: { readonly positive: string; readonly negative: string }): {
  readonly positive: string;
  readonly negative: string;
} {
  return { positive: joined([positive, pasdPositiveSuffix]), negative: joined([negative, pasdNegativePrompt]) };
}
