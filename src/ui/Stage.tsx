import { type KeyboardEvent, type PointerEvent, useEffect, useState } from 'react';
import type { ImageItem } from '../store/imagesSlice.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { Legend } from './Legend.tsx';
import { layerOf, missingLayerReason } from './layer.ts';
import { OverlayCanvas } from './OverlayCanvas.tsx';
import { Picture } from './Picture.tsx';
import { Readout } from './Readout.tsx';
import styles from './Stage.module.css';
import { useApp } from './StoreContext.tsx';
import type { PanZoom } from './usePanZoom.ts';
import { usePicture } from './usePicture.ts';
import { useStageGestures } from './useStageGestures.ts';

/** How far an arrow key moves the picture, CSS px. */
const PAN_STEP = 64;

/** The picture, what lies over it, and what the maps say at one place. */
export function Stage({ image, panZoom }: { image: ImageItem; panZoom: PanZoom }) {
  const overlay = useApp((state) => state.overlay);
  const factor = useApp((state) => state.factor);
  const scale = useApp((state) => state.scale);
  const opacity = useApp((state) => state.opacity);
  const pinnedPhrase = useApp((state) => state.pinnedPhrase);
  const hoveredPhrase = useApp((state) => state.hoveredPhrase);
  const showOriginal = useApp((state) => state.showOriginal);
  const [pointed, setPointed] = useState<{ u: number; v: number } | null>(null);
  /** The reading point moved with the keyboard; null: off. */
  const [probe, setProbe] = useState<{ u: number; v: number } | null>(null);
  const picture = usePicture(image);
  useStageGestures(panZoom);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another image starts without a reading point.
  useEffect(() => {
    setProbe(null);
    setPointed(null);
  }, [image.id]);

  const layer = layerOf(image, { overlay, factor, pinnedPhrase, hoveredPhrase, showOriginal, scale });
  const missing = missingLayerReason(image, overlay);
  const phrase = image.alignment?.phrases[hoveredPhrase ?? pinnedPhrase ?? -1] ?? null;
  const place = probe ?? pointed;

  const onPointerMove = (event: PointerEvent) => {
    if (event.pointerType !== 'touch') setPointed(panZoom.place({ x: event.clientX, y: event.clientY }));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key.toLowerCase() === 'i' && !event.ctrlKey && !event.metaKey) {
      setProbe(probe ? null : { u: 0.5, v: 0.5 });
    } else if (event.key === 'Escape' && probe) {
      setProbe(null);
    } else if (arrow && probe) {
      const step = event.shiftKey ? 0.1 : 0.01;
      const move = (at: number, by = 0) => Math.min(0.999, Math.max(0, at + by * step));
      setProbe({ u: move(probe.u, arrow[0]), v: move(probe.v, arrow[1]) });
    } else if (arrow && event.shiftKey) {
      panZoom.panBy(-(arrow[0] ?? 0) * PAN_STEP, -(arrow[1] ?? 0) * PAN_STEP);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of picture and readings; no form is near.
    <div
      ref={panZoom.stage}
      className={styles.stage}
      role="group"
      aria-label={`Picture ${image.file.name}. Shift and arrow keys move it, plus and minus zoom, I reads the maps at a point.`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: panning and reading by keyboard need the focus.
      tabIndex={0}
      data-testid="stage"
      onPointerMove={onPointerMove}
      onPointerDown={(event) =>
        event.pointerType === 'touch' && setPointed(panZoom.place({ x: event.clientX, y: event.clientY }))
      }
      onPointerLeave={(event) => event.pointerType !== 'touch' && setPointed(null)}
      onKeyDown={onKeyDown}
      onDoubleClick={panZoom.fit}
    >
      {picture.state === 'failed' ? null : (
        <div ref={panZoom.plane} className={styles.plane} style={picture.size ?? { width: 0, height: 0 }}>
          <Picture image={image} picture={picture} />
          {layer && picture.size && <OverlayCanvas layer={layer} scale={scale} opacity={opacity} size={picture.size} />}
          {probe && picture.size && (
            <div
              className={styles.probe}
              style={{ left: probe.u * picture.size.width, top: probe.v * picture.size.height }}
            />
          )}
        </div>
      )}
      {picture.state === 'opening' && !picture.size && (
        <p className={styles.opening}>
          <Icon name="spinner" className={controls.spinner} /> Opening {image.file.name}
        </p>
      )}
      {picture.state === 'failed' && (
        <p className={styles.opening}>No picture: {image.file.name} could not be opened.</p>
      )}
      {showOriginal && <p className={styles.flag}>Original</p>}
      <div className={styles.foot}>
        <Readout image={image} place={place} size={picture.size} phrase={phrase} spoken={probe !== null} />
        {layer ? (
          <Legend layer={layer} scale={scale} opacity={opacity} />
        ) : (
          missing && <p className={styles.chip}>{missing}</p>
        )}
      </div>
    </div>
  );
}
