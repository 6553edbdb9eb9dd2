import type { QualityMap } from '../quality/qualityMap.ts';
import type { PerceptualFactor, PerceptualResult } from '../quality/qualityResults.ts';
import type { Analysed, RepairChoice } from '../refine/repairMask.ts';
import type { AppState } from '../store/appStore.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import type { ViewSlice } from '../store/viewSlice.ts';
import { FACTOR_NAMES } from './words.ts';

/** What lies over the picture. */
export interface Layer {
  /** Stable as long as the map is the same: what the painted canvas is keyed by. */
  readonly map: QualityMap;
  /** Short name, for the legend and file names: `PQ`, `technical quality`, `"red hat"`. */
  readonly name: string;
  /** What a value of 1 means; quality maps are drawn where they are low, presence maps where they are high. */
  readonly reads: 'quality' | 'presence';
  /** What the mask is made of, where the mask is asked for: it is drawn instead of the map. */
  readonly mask: MaskSource | null;
}

/** What the mask is made of; the same maps and choice give the same object. */
export interface MaskSource extends Pick<Analysed, 'perceptual' | 'alignment'> {
  readonly choice: RepairChoice;
}

/** Which part of the view decides the layer. */
export type LayerView = Pick<
  ViewSlice,
  'overlay' | 'factor' | 'pinnedPhrase' | 'hoveredPhrase' | 'showOriginal' | 'scale'
> & {
  /** What decides what a refinement would repair. */
  readonly repairChoice: RepairChoice;
};

/** The part of the present view that decides the layer. */
export function layerViewOf(state: AppState): LayerView {
  const { overlay, factor, pinnedPhrase, hoveredPhrase, showOriginal, scale, refineChoices } = state;
  const repairChoice = refineChoices.settings;
  return { overlay, factor, pinnedPhrase, hoveredPhrase, showOriginal, scale, repairChoice };
}

const merged = new WeakMap<QualityMap, WeakMap<QualityMap, QualityMap>>();

/**
 * The worse of two quality maps in every cell: 1 − D with D = max(1 − PQ, 1 − AQ) (spec "merged mask").
 * The same pair gives the same object, so that it is painted once.
 */
export function worseOf(a: QualityMap, b: QualityMap): QualityMap {
  const known = merged.get(a)?.get(b);
  if (known) return known;
  if (a.gridWidth !== b.gridWidth || a.gridHeight !== b.gridHeight) {
    throw new RangeError(`Maps of ${a.gridWidth}x${a.gridHeight} and ${b.gridWidth}x${b.gridHeight} cells`);
  }
  const map: QualityMap = { ...a, values: a.values.map((value, i) => Math.min(value, b.values[i] ?? 1)) };
  const partners = merged.get(a) ?? new WeakMap();
  partners.set(b, map);
  merged.set(a, partners);
  return map;
}

const maskSources = new WeakMap<PerceptualResult, MaskSource>();

function maskSource({ perceptual, alignment }: ImageItem, choice: RepairChoice): MaskSource | null {
  if (!perceptual) return null;
  const known = maskSources.get(perceptual);
  if (known?.alignment === alignment && known.choice === choice) return known;
  const source = { perceptual, alignment, choice };
  maskSources.set(perceptual, source);
  return source;
}

/** What the view asks for that the image has; null: nothing to draw (yet). */
export function layerOf(image: ImageItem, view: LayerView): Layer | null {
  if (view.showOriginal) return null;
  const phrase = view.hoveredPhrase ?? view.pinnedPhrase;
  const found = phrase === null ? undefined : image.alignment?.phrases[phrase];
  if (found && found.phrase.scope === 'place') {
    return { map: found.map, name: `“${found.phrase.text}”`, reads: 'presence', mask: null };
  }
  const { perceptual, alignment } = image;
  const quality = { reads: 'quality', mask: null } as const;
  switch (view.overlay) {
    case 'none':
      return null;
    case 'perceptual':
      if (!perceptual) return null;
      return view.factor
        ? { ...quality, map: perceptual.factorMaps[view.factor], name: FACTOR_NAMES[view.factor] }
        : { ...quality, map: perceptual.map, name: 'PQ' };
    case 'alignment':
      return alignment && { ...quality, map: alignment.map, name: 'AQ' };
    case 'both':
    case 'mask': {
      if (!perceptual) return null;
      const map = alignment ? worseOf(perceptual.map, alignment.map) : perceptual.map;
      const name = alignment ? 'PQ or AQ' : 'PQ';
      return {
        ...quality,
        map,
        name,
        mask: view.overlay === 'mask' ? maskSource(image, view.repairChoice) : null,
      };
    }
  }
}

/** Why the asked overlay shows nothing, for the legend; null where it shows. */
export function missingLayerReason(image: ImageItem, overlay: ViewSlice['overlay']): string | null {
  if (image.job.state === 'analysing' || image.job.state === 'waiting' || image.job.state === 'opening') return null;
  if (overlay === 'alignment' && image.perceptual && !image.alignment)
    return image.alignmentPrompt?.trim()
      ? 'No AQ-Map: the prompt names nothing to look for'
      : 'No AQ-Map without a prompt';
  return null;
}

/** The factors in the order they are shown: the overall one first. */
export const FACTORS: readonly PerceptualFactor[] = ['overall', 'technical', 'rationality', 'naturalness'];
