import type { HubFolder } from '../src/checkpoint/byteSource.ts';
import { isDiffusionFolder } from '../src/checkpoint/diffusionParts.ts';
import type { Precision } from '../src/graph/weights.ts';
import { tokenizerOfInstalledMaps } from '../src/storage/packStore.ts';
import type { PackPlan } from './packPlan.ts';
import { planDiffusion } from './planDiffusion.ts';
import { planMaps } from './planMaps.ts';

/**
 * Reads what kind of model published files are, and what they become. A checkpoint that comes without a tokenizer takes that
 * of an installed CLIP.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`
 */
export async function planPack(folder: HubFolder, precision: Precision): Promise<PackPlan> {
  if (!isDiffusionFolder(folder)) return planMaps(folder, precision);
  return planDiffusion(folder, precision, { tokenizer: await tokenizerOfInstalledMaps() });
}

/** Bytes that a plan's pack will have on disk. */
export function plannedBytes({ parts, files }: PackPlan): number {
  let sum = 0;
  for (const { planned } of parts) for (const { byteLength } of Object.values(planned)) sum += byteLength;
  for (const { size } of files.values()) sum += size;
  return sum;
}
