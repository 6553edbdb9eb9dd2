import { sampleBicubic } from '../math/resampling.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { PhraseResult } from '../quality/qualityResults.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import styles from './Stage.module.css';
import type { Size } from './viewport.ts';
import { percent } from './words.ts';

/** What the maps say at one place of the picture, and what they said before it was refined. */
export function Readout({
  item,
  before,
  place,
  size,
  phrase,
  spoken,
}: {
  item: ImageItem;
  /** What it came from; null: nothing to compare with. */
  before: ImageItem | null;
  place: { readonly u: number; readonly v: number } | null;
  size: Size | null;
  phrase: PhraseResult | null;
  /** Whether a screen reader tells it: only while the reading point is moved by keyboard. */
  spoken: boolean;
}) {
  if (!place || !size) return <span />;
  const read = (map: QualityMap | undefined) =>
    map ? percent(Math.min(1, Math.max(0, sampleBicubic(map, place.u, place.v)))) : '–';
  const both = (of: (one: ImageItem) => QualityMap | undefined) => (
    <>
      {before && `${read(of(before))} → `}
      <b>{read(of(item))}</b>
    </>
  );
  return (
    <p className={styles.chip} data-testid="readout" role={spoken ? 'status' : undefined}>
      {Math.floor(place.u * size.width)}, {Math.floor(place.v * size.height)} · PQ{' '}
      {both(({ perceptual }) => perceptual?.map)} · AQ {both(({ alignment }) => alignment?.map)}
      {phrase?.phrase.scope === 'place' && (
        <>
          {' '}
          · “{phrase.phrase.text}” <b>{read(phrase.map)}</b>
        </>
      )}
    </p>
  );
}
