import { useEffect } from 'react';
import type { Painter } from './HandMaskCanvas.tsx';
import type { PanZoom } from './usePanZoom.ts';

/** Pointers closer than this at the start are one finger's jitter, CSS px. */
const MIN_PINCH = 8;

/**
 * Wheel zooms, one pointer drags, two pointers pinch, a double click switches between fitted and actual size.
 *
 * @param painter where it is set, one pointer paints; the middle button still drags
 */
export function useStageGestures(panZoom: PanZoom, painter: { readonly current: Painter | null }): void {
  const { stage, zoomBy, panBy, place } = panZoom;
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const pointers = new Map<number, { x: number; y: number }>();
    /** The pointer that paints. */
    let painting: number | null = null;
    const at = (event: PointerEvent) => place({ x: event.clientX, y: event.clientY });

    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
      // A trackpad's pinch arrives as a wheel with Ctrl and small steps.
      zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), { x: event.clientX, y: event.clientY });
    };
    const onDown = (event: PointerEvent) => {
      if (event.button !== 0 && event.button !== 1) return;
      if (event.target instanceof Element && event.target.closest('[data-own-gesture]')) return;
      element.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (painting !== null) {
        // A second finger: the first one meant to pinch.
        painter.current?.cancel();
        painting = null;
      } else if (painter.current && event.button === 0 && pointers.size === 1) {
        painting = event.pointerId;
        painter.current.begin(at(event));
        return;
      }
      element.toggleAttribute('data-dragging', true);
    };
    const onMove = (event: PointerEvent) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = { x: event.clientX, y: event.clientY };
      if (painting === event.pointerId) {
        // Older Safaris have none; elsewhere they keep a quick stroke round.
        const moves = event.getCoalescedEvents?.() ?? [];
        for (const one of moves.length > 0 ? moves : [event]) painter.current?.move(at(one));
        pointers.set(event.pointerId, now);
        return;
      }
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const distance = Math.hypot(before.x - other.x, before.y - other.y);
        const centre = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
        if (distance > MIN_PINCH) zoomBy(Math.hypot(now.x - other.x, now.y - other.y) / distance, centre);
        panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
      } else {
        panBy(now.x - before.x, now.y - before.y);
      }
      pointers.set(event.pointerId, now);
    };
    const onUp = (event: PointerEvent) => {
      if (painting === event.pointerId) {
        painting = null;
        if (event.type === 'pointercancel') painter.current?.cancel();
        else painter.current?.end();
      }
      pointers.delete(event.pointerId);
      if (pointers.size === 0) element.removeAttribute('data-dragging');
    };

    // React registers wheel listeners as passive; this one must keep the page from zooming.
    element.addEventListener('wheel', onWheel, { passive: false });
    element.addEventListener('pointerdown', onDown);
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onUp);
    element.addEventListener('pointercancel', onUp);
    return () => {
      element.removeEventListener('wheel', onWheel);
      element.removeEventListener('pointerdown', onDown);
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onUp);
      element.removeEventListener('pointercancel', onUp);
    };
  }, [stage, zoomBy, panBy, place, painter]);
}
