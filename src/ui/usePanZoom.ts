import { type RefCallback, type RefObject, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react';
import {
  fitViewport,
  imagePoint,
  keepInSight,
  type Point,
  type Size,
  type Viewport,
  zoomViewport,
} from './viewport.ts';

/** Zooming and panning of one picture in one stage, or of several alike in panes of the same size, all together. */
export interface PanZoom {
  readonly stage: RefObject<HTMLDivElement | null>;
  /** The part of the stage that a picture is seen in. */
  readonly pane: RefCallback<HTMLDivElement>;
  /** What is moved: the picture and all that lies over it, inside a pane. */
  readonly plane: RefCallback<HTMLDivElement>;
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

function movePlane(plane: HTMLDivElement, { x, y, scale }: Viewport): void {
  plane.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  plane.style.setProperty('--scale', String(scale));
  // Beyond three times its size one wants to see the pixels, not a blur of them.
  plane.toggleAttribute('data-pixels', scale * devicePixelRatio > 3);
}

/**
 * Keeps a picture's place in its panes. It is written to the planes' transforms directly, so that dragging and zooming
 * never wait for React; only the zoom shown in numbers is state.
 */
export function usePanZoom(image: Size | null, imageId: string | null): PanZoom {
  const stage = useRef<HTMLDivElement>(null);
  const panes = useRef(new Set<HTMLDivElement>());
  const planes = useRef(new Set<HTMLDivElement>());
  // As last observed: asking the pane itself would have the page laid out in the middle of a render.
  const room = useRef<Size | null>(null);
  const viewport = useRef<Viewport>({ x: 0, y: 0, scale: 1 });
  const fitted = useRef(true);
  const [zoom, setZoom] = useState(1);
  const width = image?.width ?? 0;
  const height = image?.height ?? 0;

  const apply = useCallback((next: Viewport) => {
    viewport.current = next;
    for (const plane of planes.current) movePlane(plane, next);
    setZoom(next.scale * devicePixelRatio);
  }, []);

  const actions = useMemo(() => {
    const size = { width, height };
    /** The position in the pane that the point lies in: of panes side by side, the nearest. */
    const local = (client: Point): Point => {
      const boxes = [...panes.current].map((pane) => pane.getBoundingClientRect());
      const distance = ({ left, right, top, bottom }: DOMRect) =>
        Math.max(left - client.x, client.x - right, 0) + Math.max(top - client.y, client.y - bottom, 0);
      const [box] = boxes.sort((a, b) => distance(a) - distance(b));
      return { x: client.x - (box?.left ?? 0), y: client.y - (box?.top ?? 0) };
    };
    const fit = () => {
      fitted.current = true;
      // Before the first observation, which comes before anything is painted and fits again, there is no room.
      if (width > 0 && room.current) apply(fitViewport(size, room.current, Math.min(16, room.current.width / 32)));
    };
    const zoomBy = (factor: number, client?: Point) => {
      if (width === 0 || !room.current) return;
      fitted.current = false;
      const centre = client ? local(client) : { x: room.current.width / 2, y: room.current.height / 2 };
      apply(zoomViewport(viewport.current, { factor, centre, image: size, stage: room.current }));
    };
    return {
      fit,
      zoomBy,
      actualSize: () => zoomBy(1 / devicePixelRatio / viewport.current.scale),
      panBy: (dx: number, dy: number) => {
        if (width === 0 || !room.current) return;
        fitted.current = false;
        const { x, y, scale } = viewport.current;
        apply(keepInSight({ x: x + dx, y: y + dy, scale }, { image: size, stage: room.current }));
      },
      place: (client: Point) => (width === 0 ? null : imagePoint(viewport.current, { at: local(client), image: size })),
    };
  }, [width, height, apply]);

  const latest = useRef(actions);
  latest.current = actions;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another image of the same size starts fitted, too.
  useLayoutEffect(() => actions.fit(), [actions, imageId]);

  const refs = useMemo(() => {
    const resized = new ResizeObserver((entries) => {
      // All panes are of one size, without padding.
      const { width = 0, height = 0 } = entries.at(-1)?.contentRect ?? {};
      room.current = { width: width || 1, height: height || 1 };
      if (fitted.current) latest.current.fit();
      else latest.current.panBy(0, 0);
    });
    const pane: RefCallback<HTMLDivElement> = (element) => {
      if (!element) return;
      panes.current.add(element);
      resized.observe(element);
      return () => {
        panes.current.delete(element);
        resized.unobserve(element);
      };
    };
    const plane: RefCallback<HTMLDivElement> = (element) => {
      if (!element) return;
      planes.current.add(element);
      movePlane(element, viewport.current);
      return () => {
        planes.current.delete(element);
      };
    };
    return { pane, plane };
  }, []);

  return useMemo(() => ({ stage, ...refs, zoom, ...actions }), [zoom, actions, refs]);
}
