import type { RefinedImage, RefineJob } from '../src/bridge/protocol.ts';
import { UserError } from '../src/errors.ts';
import { imageRows } from '../src/image/rowSource.ts';
import { encodePng } from '../src/image/saving/encodePng.ts';
import type { RefineEvent } from '../src/pipeline/refinement.ts';
import { runStrategy } from '../src/pipeline/strategies.ts';
import type { Residency } from '../src/runtime/residency.ts';
import { wantedCalibration } from './calibrations.ts';
import type { OpenImages } from './openImages.ts';
import type { PacksInUse } from './packsInUse.ts';
import { loadPromptReader } from './promptParser.ts';

/** Refines an image once per seed. */
export async function refineImage(
  { file, prompt, strategy, handMask, analysis, settings, seeds }: RefineJob,
  {
    packs,
    images,
    residency,
    onEvent,
    signal,
  }: {
    packs: PacksInUse;
    images: OpenImages;
    residency: Residency;
    onEvent: (event: RefineEvent) => void;
    signal: AbortSignal;
  },
): Promise<RefinedImage[]> {
  const { maps, inpainting, restoration } = packs;
  if (!maps) throw new UserError('PackMissingError', 'No model for the maps is installed yet. Add a CLIP folder.');
  const readPrompt = await loadPromptReader();
  const calibrated = await wantedCalibration(analysis, maps);
  const refined: RefinedImage[] = [];
  const stopWatching = residency.watchLoading(({ name, ...bytes }) =>
    onEvent({ type: 'loading', model: name, ...bytes }),
  );
  try {
    for (const [seedIndex, seed] of seeds.entries()) {
      // Asked for again each time: another image opened meanwhile may have closed it.
      const { image, ...result } = await runStrategy(strategy, {
        image: await images.open(file),
        prompt,
        clip: maps.clip,
        contexts: maps.contexts,
        packCalibration: maps.calibration,
        calibrated,
        readPrompt,
        analysisSettings: analysis,
        inpainting,
        restoration,
        handMask,
        settings,
        seed,
        seedIndex,
        onEvent,
        signal,
        pause,
      });
      refined.push({ result, image: image && (await encodePng(imageRows(image), { signal })) });
    }
    return refined;
  } finally {
    stopWatching();
  }
}

/** Lets messages in, a cancel among them. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
