import type { ImageMeasures } from '../measures/measures.ts';
import { imageMeasures } from '../pipeline/imageMeasures.ts';
import type { AppState } from '../store/appStore.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { type Measurement, type MeasureRequest, measurementOf } from '../store/measureSlice.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import { type Comparison, comparisonOf } from './comparison.ts';

/** What has to be measured for the table of a picture: the picture itself, or what lies before and after a refinement. */
export interface MeasuresNeeded {
  readonly before: MeasureRequest;
  readonly after: MeasureRequest | null;
}

/** Null: nothing of the picture is known yet. */
export function measuresNeeded(image: ImageItem, comparison: Comparison | null): MeasuresNeeded | null {
  const { id: imageId, file, result } = image;
  if (comparison) {
    const { before, after } = comparison;
    return {
      before: { imageId, file: before.file, prompt: before.analysis.prompt, input: null },
      after: { imageId, file: after.file, prompt: after.analysis.prompt, input: before.file },
    };
  }
  return result && { before: { imageId, file, prompt: result.prompt, input: null }, after: null };
}

/** All measures before and after; what is not measured yet is null. */
export function comparedMeasures(
  image: ImageItem,
  {
    comparison,
    before,
    after,
  }: {
    readonly comparison: Comparison | null;
    readonly before: Measurement | null;
    readonly after: Measurement | null;
  },
): { readonly before: ImageMeasures; readonly after: ImageMeasures | null } | null {
  const analysis = comparison?.before.analysis ?? image.result;
  if (!analysis) return null;
  return {
    before: imageMeasures(analysis, valuesOf(before)),
    after: comparison && imageMeasures(comparison.after.analysis, valuesOf(after)),
  };
}

/** The measures of what is shown of the selected image, as far as they are known; null: none is selected or analysed. */
export function shownMeasures(state: AppState): ReturnType<typeof comparedMeasures> {
  const image = state.images.find(({ id }) => id === state.selectedId);
  if (!image) return null;
  const comparison = comparisonOf(image, refinementsOf(state, image.id), state.compareWith);
  const needed = measuresNeeded(image, comparison);
  if (!needed) return null;
  return comparedMeasures(image, {
    comparison,
    before: measurementOf(state, needed.before),
    after: needed.after && measurementOf(state, needed.after),
  });
}

function valuesOf(measurement: Measurement | null) {
  return measurement?.state.is === 'done' ? measurement.state.values : null;
}
