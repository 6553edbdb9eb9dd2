import { UserError } from '../errors.ts';
import { alignmentOnly, perceptualOnly, repaintOnly } from './ablations.ts';
import { imageToImage, inpaintingByHand, reconstruction, restoration } from './baselines.ts';
import { gRefine } from './gRefine.ts';
import { qRefine } from './qRefine.ts';
import { type Refined, type Strategy, type StrategyId, type StrategyJob, strategyDescriptions } from './strategy.ts';

const runs: Readonly<Record<(typeof strategyDescriptions)[number]['id'], Strategy['run']>> = {
  gRefine,
  qRefine,
  restoration,
  reconstruction,
  imageToImage,
  inpaintingByHand,
  perceptualOnly,
  alignmentOnly,
  repaintOnly,
};

/** All strategies, in the order they are offered. */
export const strategies: readonly Strategy[] = strategyDescriptions.map((one) => ({ ...one, run: runs[one.id] }));

/**
 * Refines an image with the strategy of this name.
 *
 * @throws {UserError} `PackMissingError` where the model it needs is not there; else what {@link Strategy.run} throws
 * @throws RangeError for an unknown name
 */
export async function runStrategy(id: StrategyId, job: StrategyJob): Promise<Refined> {
  const strategy = strategies.find((one) => one.id === id);
  if (!strategy) throw new RangeError(`There is no strategy "${id}"`);
  assertModels(strategy, job);
  return strategy.run(job);
}

/** @throws {UserError} `PackMissingError` */
function assertModels(
  { title, needs: { model } }: Strategy,
  { inpainting, restoration }: Pick<StrategyJob, 'inpainting' | 'restoration'>,
): void {
  const lacks = {
    inpainting: inpainting === null,
    restoration: restoration === null,
    either: inpainting === null && restoration === null,
  };
  if (!lacks[model]) return;
  const wanted = {
    inpainting: 'an inpainting model (Stable Diffusion 1.5 or XL)',
    restoration: 'a restoration model (PASD)',
    either: 'an inpainting model (Stable Diffusion 1.5 or XL), PASD, or both',
  };
  throw new UserError(
    'PackMissingError',
    `${title} needs ${wanted[model]}, and none is installed yet. Add ${wanted[model]}.`,
  );
}
