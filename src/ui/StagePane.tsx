import { memo, type RefObject } from 'react';
import type { PixelRectangle, RegionOutcome } from '../pipeline/refinement.ts';
import type { LatentPreview } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import { HandMaskCanvas, type Painter } from './HandMaskCanvas.tsx';
import { LatentPreviews } from './LatentPreviews.tsx';
import type { Layer } from './layer.ts';
import { OverlayCanvas } from './OverlayCanvas.tsx';
import { Picture } from './Picture.tsx';
import styles from './Stage.module.css';
import type { PanZoom } from './usePanZoom.ts';
import type { PictureFile } from './usePicture.ts';

/** One picture, what lies over it, and marks on it; moved together with all other panes. */
export const StagePane = memo(function StagePane({
  side,
  label,
  name,
  picture,
  layer,
  range,
  opacity,
  probe,
  regions,
  previews,
  drawing,
  panZoom: { pane, plane },
}: {
  side: 'before' | 'after';
  /** Shown in a corner; null: there is nothing to tell apart. */
  label: string | null;
  name: string;
  picture: PictureFile;
  layer: Layer | null;
  range: readonly [number, number];
  opacity: number;
  /** The reading point, 0..1 each way. */
  probe: { readonly u: number; readonly v: number } | null;
  /** Outlined regions. */
  regions: readonly Pick<RegionOutcome, 'place' | 'kept'>[];
  previews: readonly LatentPreview[];
  /** The mask drawn by hand; null: none is asked for here. */
  drawing: { readonly imageId: string; readonly painter: RefObject<Painter | null> } | null;
  panZoom: Pick<PanZoom, 'pane' | 'plane'>;
}) {
  const { size } = picture;
  return (
    <div ref={pane} className={classes(styles.pane, styles[side])} data-testid={`pane-${side}`}>
      <div ref={plane} className={styles.plane} style={size ?? { width: 0, height: 0 }}>
        <Picture picture={picture} name={name} />
        {layer && size && <OverlayCanvas layer={layer} range={range} opacity={opacity} size={size} />}
        {drawing && size && <HandMaskCanvas {...drawing} size={size} />}
        {size && <LatentPreviews previews={previews} size={size} />}
        {size && regions.map(({ place, kept }) => <Outline key={keyOf(place)} place={place} kept={kept} />)}
        {probe && size && (
          <div className={styles.probe} style={{ left: probe.u * size.width, top: probe.v * size.height }} />
        )}
      </div>
      {label && <p className={styles.label}>{label}</p>}
    </div>
  );
});

const keyOf = ({ x, y, width, height }: PixelRectangle) => `${x} ${y} ${width} ${height}`;

function Outline({ place: { x, y, width, height }, kept }: { place: PixelRectangle; kept: boolean }) {
  return (
    <div
      className={classes(styles.region, !kept && styles.rejected)}
      style={{ left: x, top: y, width, height }}
      data-testid="region-outline"
    />
  );
}
