import { useEffect, useRef } from 'react';
import type { Layer } from './layer.ts';
import { paintLayer } from './paintLayer.ts';
import styles from './Stage.module.css';
import type { Size } from './viewport.ts';

/** A map over the picture. Only another map or range paints again; opacity is the compositor's work. */
export function OverlayCanvas({
  layer,
  range,
  opacity,
  size,
}: {
  layer: Layer;
  range: readonly [number, number];
  opacity: number;
  size: Size;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { map, reads, mask } = layer;
  const [low, high] = range;
  const aspect = size.width / size.height;

  useEffect(() => {
    const painting = paintLayer({ map, reads, mask }, { aspect, range: [low, high] });
    let next: ReturnType<typeof setTimeout>;
    const paint = () => {
      const step = painting.next();
      const element = canvas.current;
      if (!step.done) {
        next = setTimeout(paint);
      } else if (element) {
        // The map before stays until this one is whole: nothing flickers.
        const { width, height, data } = step.value;
        element.width = width;
        element.height = height;
        element.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0);
      }
    };
    paint();
    return () => clearTimeout(next);
  }, [map, reads, mask, low, high, aspect]);

  return <canvas ref={canvas} className={styles.overlay} style={{ opacity }} data-testid="overlay" />;
}
