import { type KeyboardEvent, type PointerEvent, type RefObject, useLayoutEffect } from 'react';
import styles from './Stage.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** How far an arrow key moves the line, share of the stage's width. */
const STEP = 0.02;

/** The line between the original and the result: dragged, or moved by arrow keys, Home and End. */
export function SliderDivider({
  stage,
  before,
  after,
}: {
  stage: RefObject<HTMLDivElement | null>;
  before: string;
  after: string;
}) {
  const store = useAppStore();
  const divider = useApp((state) => state.divider);
  const { setDivider } = store.getState();

  // Where the panes are clipped: written to the stage directly, so that nothing but this is drawn again.
  useLayoutEffect(() => {
    stage.current?.style.setProperty('--divider', `${divider * 100}%`);
  }, [stage, divider]);

  const onPointerMove = (event: PointerEvent) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = stage.current?.getBoundingClientRect();
    if (box) setDivider((event.clientX - box.left) / box.width);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: divider - STEP * (event.shiftKey ? 5 : 1),
      ArrowDown: divider - STEP,
      ArrowRight: divider + STEP * (event.shiftKey ? 5 : 1),
      ArrowUp: divider + STEP,
      PageDown: divider - 0.1,
      PageUp: divider + 0.1,
      Home: 0,
      End: 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setDivider(to);
  };

  return (
    <div
      className={styles.divider}
      role="slider"
      tabIndex={0}
      aria-label={`${before} left of the line, ${after.toLowerCase()} right of it`}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(divider * 100)}
      aria-valuetext={`${Math.round(divider * 100)} % ${before.toLowerCase()}`}
      data-own-gesture=""
      data-testid="divider"
      onPointerDown={(event) => {
        if (event.button === 0) event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={onPointerMove}
      onDoubleClick={(event) => {
        event.stopPropagation();
        setDivider(0.5);
      }}
      onKeyDown={onKeyDown}
    >
      <span className={styles.grip} aria-hidden="true">
        <svg
          aria-hidden="true"
          viewBox="0 0 24 24"
          width="18"
          height="18"
          fill="none"
          stroke="currentColor"
          strokeWidth="2"
        >
          <path d="M9.500 7L4.500 12l5 5M14.500 7l5 5-5 5" />
        </svg>
      </span>
    </div>
  );
}
