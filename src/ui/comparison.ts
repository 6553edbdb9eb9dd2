import type { AnalysisResult } from '../pipeline/analysis.ts';
import type { RefineResult } from '../pipeline/refinement.ts';
import type { AppState } from '../store/appStore.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { currentEntry, pathTo } from '../store/refineHistory.ts';
import { keptVariant, type Refinement, type Refinements, type Variant } from '../store/refinement.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import type { CompareWith } from '../store/viewSlice.ts';

/** One picture of a comparison, with everything measured of it. */
export interface ComparedPicture {
  readonly label: string;
  readonly file: File;
  /** What is drawn where the file is too large; null: the file itself. */
  readonly preview: ImageBitmap | null;
  readonly analysis: AnalysisResult;
  /** The image's item as if this picture were its file: what layers, gauges and phrases are drawn from. */
  readonly item: ImageItem;
}

/** A result beside what it came from. */
export interface Comparison {
  readonly before: ComparedPicture;
  readonly after: ComparedPicture;
  readonly refinement: Refinement;
  readonly result: RefineResult;
  /** How many refinements lie between the original and the result, at least 1. */
  readonly steps: number;
}

/** The result shown of an image beside the original or what it came from; null: the original is shown. */
export function comparisonOf(image: ImageItem, { history }: Refinements, compareWith: CompareWith): Comparison | null {
  const refinement = currentEntry(history);
  if (!refinement) return null;
  const path = pathTo(history, refinement.id);
  const kept = keptVariant(refinement);
  const { parent } = refinement;
  const previous = path.at(-2);
  const from = compareWith === 'previous' && parent ? previous?.variants[parent.variant] : undefined;
  const original: Pick<Variant, 'file' | 'preview'> = { file: image.file, preview: image.opened?.preview ?? null };
  // The numbers of the original are those its refinement began with: measured alike, whatever was measured since.
  const originalAnalysis = firstResult(path, kept)?.before ?? kept.result.before;
  const before = from
    ? compared(image, { ...from, analysis: from.result.after, label: 'Previous' })
    : compared(image, { ...original, analysis: originalAnalysis, label: 'Original' });
  const after = compared(image, { ...kept, analysis: kept.result.after, label: 'Refined' });
  return { before, after, refinement, result: kept.result, steps: path.length };
}

/** The result of the first refinement on the way, of the variant that was gone on from. */
function firstResult(path: readonly Refinement[], kept: Variant): RefineResult | undefined {
  const second = path[1];
  return second?.parent ? path[0]?.variants[second.parent.variant]?.result : kept.result;
}

function compared(
  image: ImageItem,
  { label, file, preview, analysis }: Omit<ComparedPicture, 'item' | 'file'> & { readonly file: File | null },
): ComparedPicture {
  return { label, file: file ?? image.file, preview, analysis, item: asItem(image, analysis) };
}

const items = new WeakMap<AnalysisResult, ImageItem>();

/** The same image and analysis give the same object, so that nothing is drawn twice. */
function asItem(image: ImageItem, result: AnalysisResult): ImageItem {
  const known = items.get(result);
  if (known && known.file === image.file && known.prompt === image.prompt && known.opened === image.opened)
    return known;
  const { perceptual, alignment, prompt } = result;
  const job = { state: 'done' } as const;
  const item: ImageItem = { ...image, job, perceptual, alignment, alignmentPrompt: prompt, result };
  items.set(result, item);
  return item;
}

/** The item of what is shown of the selected image, be it the original or a result; null: no image is selected. */
export function shownItem(state: AppState): ImageItem | null {
  const image = state.images.find(({ id }) => id === state.selectedId);
  if (!image) return null;
  return comparisonOf(image, refinementsOf(state, image.id), state.compareWith)?.after.item ?? image;
}
