import { type RefObject, useEffect, useImperativeHandle, useRef } from 'react';
import type { HandMask } from '../refine/handMask.ts';
import { maskGrid } from '../refine/repairMask.ts';
import { handMaskOf } from '../store/handMaskSlice.ts';
import { classes } from './classes.ts';
import { MASK_COLOR } from './paintLayer.ts';
import styles from './Stage.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import type { Size } from './viewport.ts';

/** A place on the picture, 0..1 each way. */
export interface Place {
  readonly u: number;
  readonly v: number;
}

/** What dragging over the picture tells the brush; a stroke lies on the screen at once, and in the store when it ends. */
export interface Painter {
  /** The brush is over a place, or beside the picture (null). */
  hover(place: Place | null): void;
  begin(place: Place | null): void;
  move(place: Place | null): void;
  end(): void;
  /** Takes the stroke back, as where a second finger makes it a pinch. */
  cancel(): void;
}

/** The mask drawn by hand over the picture, and the brush that draws it. */
export function HandMaskCanvas({
  imageId,
  size,
  painter,
}: {
  imageId: string;
  size: Size;
  painter: RefObject<Painter | null>;
}) {
  const store = useAppStore();
  const mask = useApp((state) => handMaskOf(state, imageId));
  const brush = useApp((state) => state.brush);
  const canvas = useRef<HTMLCanvasElement>(null);
  const cursor = useRef<HTMLDivElement>(null);
  const last = useRef<Place | null>(null);
  /** What the canvas shows already. */
  const painted = useRef<HandMask | null>(null);
  const { width, height } = maskGrid(size);
  const shorter = Math.min(size.width, size.height);

  useEffect(() => {
    const context = contextOf(canvas.current);
    if (!context || (mask !== null && painted.current === mask)) return;
    drawMask(context, mask);
    painted.current = mask;
  }, [mask]);

  useImperativeHandle(painter, () => {
    const stroke = (to: Place | null) => {
      const context = contextOf(canvas.current);
      const from = last.current ?? to;
      last.current = to;
      if (!context || !from || !to) return;
      context.globalCompositeOperation = brush.tool === 'erase' ? 'destination-out' : 'source-over';
      context.strokeStyle = `rgb(${MASK_COLOR.join(' ')})`;
      context.lineWidth = Math.max(brush.size * Math.min(width, height), 1);
      context.lineCap = 'round';
      context.beginPath();
      context.moveTo(from.u * width, from.v * height);
      context.lineTo(to.u * width, to.v * height);
      context.stroke();
    };
    return {
      hover: (place) => {
        const element = cursor.current;
        if (!element) return;
        element.hidden = place === null;
        if (!place) return;
        element.style.left = `${place.u * 100}%`;
        element.style.top = `${place.v * 100}%`;
      },
      begin: (place) => {
        last.current = null;
        stroke(place);
      },
      move: stroke,
      end: () => {
        const context = contextOf(canvas.current);
        if (!context) return;
        const drawn = readMask(context);
        painted.current = drawn;
        store.getState().setHandMask(imageId, drawn);
      },
      cancel: () => {
        const context = contextOf(canvas.current);
        if (context) drawMask(context, handMaskOf(store.getState(), imageId));
      },
    };
  }, [brush, width, height, imageId, store]);

  return (
    <>
      <canvas
        ref={canvas}
        width={width}
        height={height}
        className={classes(styles.overlay, styles.handMask)}
        data-testid="hand-mask"
      />
      {brush.tool !== 'move' && (
        <div
          ref={cursor}
          hidden
          className={styles.brush}
          style={{ width: brush.size * shorter, height: brush.size * shorter }}
        />
      )}
    </>
  );
}

function contextOf(canvas: HTMLCanvasElement | null): CanvasRenderingContext2D | null {
  return canvas?.getContext('2d', { willReadFrequently: true }) ?? null;
}

function drawMask(context: CanvasRenderingContext2D, mask: HandMask | null): void {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  if (!mask || mask.width !== width || mask.height !== height) return;
  const pixels = new ImageData(width, height);
  const [red, green, blue] = MASK_COLOR;
  mask.values.forEach((value, i) => {
    pixels.data.set([red, green, blue, value], 4 * i);
  });
  context.putImageData(pixels, 0, 0);
}

/** What is opaque is masked. */
function readMask(context: CanvasRenderingContext2D): HandMask {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, values: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3] as number) };
}
