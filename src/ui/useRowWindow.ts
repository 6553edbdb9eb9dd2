import { type RefObject, useCallback, useEffect, useState } from 'react';

/** Rows drawn beyond what is seen, so that scrolling does not show gaps. */
const BEYOND = 6;

/**
 * Which rows of a long list of equal heights are drawn: those in sight and some around them, so that a thousand rows cost no
 * more than thirty.
 *
 * @param scroller the element that scrolls
 * @param options `count` of all rows, `rowHeight` in px, `headHeight`: what stands above the first row
 */
export function useRowWindow(
  scroller: RefObject<HTMLElement | null>,
  { count, rowHeight, headHeight }: { count: number; rowHeight: number; headHeight: number },
): { readonly first: number; readonly end: number } {
  const [range, setRange] = useState({ first: 0, end: 30 });
  const measure = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const from = Math.floor((element.scrollTop - headHeight) / rowHeight) - BEYOND;
    const seen = Math.ceil(element.clientHeight / rowHeight);
    // In steps, so that a row more or less draws nothing anew.
    const first = Math.max(0, from - (from % BEYOND));
    const end = first + seen + 3 * BEYOND;
    setRange((before) => (before.first === first && before.end === end ? before : { first, end }));
  }, [scroller, rowHeight, headHeight]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    measure();
    element.addEventListener('scroll', measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', measure);
      observer.disconnect();
    };
  }, [scroller, measure]);

  const first = Math.min(range.first, Math.max(0, count - 1));
  return { first, end: Math.min(range.end, count) };
}
