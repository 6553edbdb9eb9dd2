import { useEffect, useRef } from 'react';
import type { Scale } from '../store/viewSlice.ts';
import type { Layer } from './layer.ts';
import { paintLayer } from './paintLayer.ts';
import styles from './Stage.module.css';
import type { Size } from './viewport.ts';

/** Longest side painted: a map of patches holds no more detail, and painting stays far below a frame's patience. */
const PAINTED_SIDE = 512;

/** A map over the picture. Only another map or scale paints again; opacity is the compositor's work. */
export function OverlayCanvas({
  layer,
  scale,
  opacity,
  size,
}: {
  layer: Layer;
  scale: Scale;
  opacity: number;
  size: Size;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { map, reads, mask } = layer;
  const aspect = size.width / size.height;

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return;
    element.width = Math.max(1, Math.round(PAINTED_SIDE * Math.min(1, aspect)));
    element.height = Math.max(1, Math.round(PAINTED_SIDE / Math.max(1, aspect)));
    const { width, height } = element;
    context.putImageData(
      new ImageData(paintLayer({ map, reads, mask }, { width, height, scale }), width, height),
      0,
      0,
    );
  }, [map, reads, mask, scale, aspect]);

  return <canvas ref={canvas} className={styles.overlay} style={{ opacity }} data-testid="overlay" />;
}
