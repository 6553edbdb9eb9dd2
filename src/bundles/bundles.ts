import type { BundleManifest, BundleModel } from './bundle.ts';
import maps from './maps.json';
import mapsLarge from './maps-large.json';
import { readBundle } from './readBundle.ts';
import sd15 from './sd15.json';
import sdxl from './sdxl.json';
import sdxl4bit from './sdxl-4bit.json';

/** What the app offers to install, in the order shown. */
export const BUNDLES: readonly BundleManifest[] = [maps, mapsLarge, sd15, sdxl, sdxl4bit].map(readBundle);

/** What is small beside any weights: configs, vocabularies, learned contexts. Their lengths are learned from the server. */
const SMALL = /(\.(json|txt)|(^|\/)PQ-\w+\.pth)$/;

/**
 * Bytes that installing a model fetches, but for a few megabytes of small files.
 * @returns null where the length of some weights is not known before the server is asked
 */
export function downloadBytes({ files }: Pick<BundleModel, 'files'>): number | null {
  let sum = 0;
  for (const { file, bytes } of files) {
    if (bytes === null && !SMALL.test(file)) return null;
    sum += bytes ?? 0;
  }
  return sum;
}
