import { memo, useEffect, useRef } from 'react';
import styles from './ResultPanel.module.css';

/** Side of a thumbnail in pixels of its canvas. */
const SIDE = 112;

/** Pictures are decoded one after another: each takes its full size for a moment. */
let queue: Promise<unknown> = Promise.resolve();

/** A picture in small, cut to a square. */
export const Thumbnail = memo(function Thumbnail({ file, preview }: { file: Blob; preview: ImageBitmap | null }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isGone = false;
    const draw = (source: ImageBitmap) => {
      const side = Math.min(source.width, source.height);
      const context = canvas.current?.getContext('2d');
      if (!context || side === 0) return;
      context.imageSmoothingQuality = 'high';
      const [x, y] = [(source.width - side) / 2, (source.height - side) / 2];
      context.drawImage(source, x, y, side, side, 0, 0, SIDE, SIDE);
    };
    if (preview) {
      draw(preview);
      return;
    }
    queue = queue.then(async () => {
      if (isGone) return;
      try {
        const small = await createImageBitmap(file, { resizeHeight: SIDE * 2, resizeQuality: 'medium' });
        if (!isGone) draw(small);
        small.close();
      } catch {
        // Without a thumbnail the words beside it still tell what it is.
      }
    });
    return () => {
      isGone = true;
    };
  }, [file, preview]);
  return <canvas ref={canvas} className={styles.thumbnail} width={SIDE} height={SIDE} />;
});
