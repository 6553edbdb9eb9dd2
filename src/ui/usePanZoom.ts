import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import {
  fitViewport,
  imagePoint,
  keepInSight,
  type Point,
  type Size,
  type Viewport,
  zoomViewport,
} from './viewport.ts';

/** Zooming and panning of one picture in one stage. */
export interface PanZoom {
  readonly stage: RefObject<HTMLDivElement | null>;
  readonly plane: RefObject<HTMLDivElement | null>;
  /** Image px shown per device px, 1 = actual size. */
  readonly zoom: number;
  fit(): void;
  /** One image px on one device px. */
  actualSize(): void;
  /** Zooms about the stage's centre, or about a point given in client coordinates. */
  zoomBy(factor: number, client?: Point): void;
  panBy(dx: number, dy: number): void;
  /** The place on the image under a point in client coordinates, 0..1 each way; null: beside it. */
  place(client: Point): { u: number; v: number } | null;
}

/**
 * Keeps a picture's place in its stage. It is written to the plane's transform directly, so that dragging and zooming
 * never wait for React; only the zoom shown in numbers is state.
 */
export function usePanZoom(image: Size | null, imageId: string | null): PanZoom {
  const stage = useRef<HTMLDivElement>(null);
  const plane = useRef<HTMLDivElement>(null);
  const viewport = useRef<Viewport>({ x: 0, y: 0, scale: 1 });
  const fitted = useRef(true);
  const [zoom, setZoom] = useState(1);
  const width = image?.width ?? 0;
  const height = image?.height ?? 0;

  const apply = useCallback((next: Viewport) => {
    viewport.current = next;
    const style = plane.current?.style;
    if (style) {
      style.transform = `translate(${next.x}px, ${next.y}px) scale(${next.scale})`;
      style.setProperty('--scale', String(next.scale));
      // Beyond three times its size one wants to see the pixels, not a blur of them.
      plane.current?.toggleAttribute('data-pixels', next.scale * devicePixelRatio > 3);
    }
    setZoom(next.scale * devicePixelRatio);
  }, []);

  const actions = useMemo(() => {
    const size = { width, height };
    const room = (): Size => ({
      width: stage.current?.clientWidth ?? 1,
      height: stage.current?.clientHeight ?? 1,
    });
    const local = (client: Point): Point => {
      const box = stage.current?.getBoundingClientRect();
      return { x: client.x - (box?.left ?? 0), y: client.y - (box?.top ?? 0) };
    };
    const fit = () => {
      fitted.current = true;
      if (width > 0) apply(fitViewport(size, room(), Math.min(16, room().width / 32)));
    };
    const zoomBy = (factor: number, client?: Point) => {
      if (width === 0) return;
      fitted.current = false;
      const centre = client ? local(client) : { x: room().width / 2, y: room().height / 2 };
      apply(zoomViewport(viewport.current, { factor, centre, image: size, stage: room() }));
    };
    return {
      fit,
      zoomBy,
      actualSize: () => zoomBy(1 / devicePixelRatio / viewport.current.scale),
      panBy: (dx: number, dy: number) => {
        if (width === 0) return;
        fitted.current = false;
        const { x, y, scale } = viewport.current;
        apply(keepInSight({ x: x + dx, y: y + dy, scale }, { image: size, stage: room() }));
      },
      place: (client: Point) => (width === 0 ? null : imagePoint(viewport.current, { at: local(client), image: size })),
    };
  }, [width, height, apply]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another image of the same size starts fitted, too.
  useLayoutEffect(() => actions.fit(), [actions, imageId]);

  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const resized = new ResizeObserver(() => (fitted.current ? actions.fit() : actions.panBy(0, 0)));
    resized.observe(element);
    return () => resized.disconnect();
  }, [actions]);

  return useMemo(() => ({ stage, plane, zoom, ...actions }), [zoom, actions]);
}
