import { memo, useLayoutEffect, useRef } from 'react';
import type { LatentPreview } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import styles from './Stage.module.css';
import type { Size } from './viewport.ts';

/** Rough pictures of what is being painted, each at its place; the one at work is outlined. */
export const LatentPreviews = memo(function LatentPreviews({
  previews,
  size,
}: {
  previews: readonly LatentPreview[];
  size: Size;
}) {
  return previews.map((preview, i) => (
    <PreviewCanvas
      key={`${preview.place.x} ${preview.place.y} ${preview.place.width} ${preview.place.height}`}
      preview={preview}
      size={size}
      isAtWork={i === previews.length - 1}
    />
  ));
});

function PreviewCanvas({ preview, size, isAtWork }: { preview: LatentPreview; size: Size; isAtWork: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { place, width, height, rgba } = preview;
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    element.width = width;
    element.height = height;
    element.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [rgba, width, height]);
  const share = (value: number, of: number) => `${(value / of) * 100}%`;
  return (
    <canvas
      ref={canvas}
      className={classes(styles.preview, isAtWork && styles.atWork)}
      style={{
        left: share(place.x, size.width),
        top: share(place.y, size.height),
        width: share(place.width, size.width),
        height: share(place.height, size.height),
      }}
      data-testid="latent-preview"
    />
  );
}
