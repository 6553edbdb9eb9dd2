import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';
import { isDrawing } from '../store/handMaskSlice.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import type { Comparison } from './comparison.ts';
import controls from './controls.module.css';
import { DifferenceLegend } from './DifferenceLegend.tsx';
import type { Painter } from './HandMaskCanvas.tsx';
import { Icon } from './Icon.tsx';
import { Legend } from './Legend.tsx';
import { layerOf, missingLayerReason } from './layer.ts';
import { colorRange } from './paintLayer.ts';
import { Readout } from './Readout.tsx';
import { SliderDivider } from './SliderDivider.tsx';
import styles from './Stage.module.css';
import { StagePane } from './StagePane.tsx';
import { useApp } from './StoreContext.tsx';
import type { PanZoom } from './usePanZoom.ts';
import type { PictureFile } from './usePicture.ts';
import { useStageGestures } from './useStageGestures.ts';

/** How far an arrow key moves the picture, CSS px. */
const PAN_STEP = 64;
const NOTHING: readonly never[] = [];

/** The picture, or a result beside what it came from, what lies over it, and what the maps say at one place. */
export function Stage({
  image,
  comparison,
  panZoom,
}: {
  image: ImageItem;
  comparison: Comparison | null;
  panZoom: PanZoom;
}) {
  const overlay = useApp((state) => state.overlay);
  const factor = useApp((state) => state.factor);
  const scale = useApp((state) => state.scale);
  const opacity = useApp((state) => state.opacity);
  const pinnedPhrase = useApp((state) => state.pinnedPhrase);
  const hoveredPhrase = useApp((state) => state.hoveredPhrase);
  const showOriginal = useApp((state) => state.showOriginal);
  const chosenView = useApp((state) => state.view);
  const amplification = useApp((state) => state.amplification);
  const repairChoice = useApp((state) => state.refineChoices.settings);
  const hoveredRegion = useApp((state) => state.hoveredRegion);
  const previews = usePreviews(image, comparison);
  const [pointed, setPointed] = useState<{ u: number; v: number } | null>(null);
  /** The reading point moved with the keyboard; null: off. */
  const [probe, setProbe] = useState<{ u: number; v: number } | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another image starts without a reading point.
  useEffect(() => {
    setProbe(null);
    setPointed(null);
  }, [image.id]);

  const view = comparison && !showOriginal ? chosenView : 'single';
  const isDifference = view === 'difference';
  const draws = useApp(isDrawing);
  const tool = useApp((state) => state.brush.tool);
  const painter = useRef<Painter | null>(null);
  const isPainting = draws && tool !== 'move' && !isDifference && !showOriginal && image.opened !== null;
  // Over a result the mask is seen while it is painted: what came out of it is what one looks at.
  const isMaskSeen = isPainting || (draws && comparison === null && !showOriginal);
  const paints = useRef(false);
  paints.current = isPainting;
  // The painter comes with the mask's canvas, after this was drawn.
  const brush = useMemo(
    () => ({
      get current() {
        return paints.current ? painter.current : null;
      },
    }),
    [],
  );
  useStageGestures(panZoom, brush);
  const drawing = useMemo(() => (isMaskSeen ? { imageId: image.id, painter } : null), [isMaskSeen, image.id]);
  const opened = image.opened;
  const original = useMemo<PictureFile>(
    () => ({
      file: image.file,
      size: opened && { width: opened.width, height: opened.height },
      preview: opened?.preview ?? null,
      hasFailed: opened === null && image.job.state === 'failed',
    }),
    [image.file, opened, image.job.state],
  );
  const before = usePictureOf(comparison?.before, original);
  const after = usePictureOf(comparison?.after, original);
  const size = original.size;

  const layerView = { overlay, factor, pinnedPhrase, hoveredPhrase, showOriginal, scale, repairChoice };
  const layer = isDifference ? null : layerOf(comparison?.after.item ?? image, layerView);
  const isBeforeSeen = view === 'slider' || view === 'sideBySide';
  const layerBefore = comparison && isBeforeSeen ? layerOf(comparison.before.item, layerView) : null;
  const layers = [layerBefore, layer].filter((one) => one !== null);
  // The same colours for what is seen together, and the same before and after where one follows the other.
  const compared = comparison && !showOriginal ? [layerOf(comparison.before.item, layerView), layer] : [layer];
  const [low, high] = colorRange(
    compared.filter((one) => one !== null),
    scale,
  );
  const range = useMemo(() => [low, high] as const, [low, high]);
  const missing = isDifference ? null : missingLayerReason(comparison?.after.item ?? image, overlay);
  const phrases = (comparison?.after.item ?? image).alignment?.phrases;
  const phrase = phrases?.[hoveredPhrase ?? pinnedPhrase ?? -1] ?? null;
  const place = probe ?? pointed;
  const region = comparison?.result.regions[hoveredRegion ?? -1];
  const regions = useMemo(() => (region ? [region] : NOTHING), [region]);

  const onPointerMove = (event: PointerEvent) => {
    if (event.pointerType === 'touch') return;
    const place = panZoom.place({ x: event.clientX, y: event.clientY });
    setPointed(place);
    painter.current?.hover(place);
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

  const name = `The picture ${image.file.name}`;
  const shared = { range, opacity, probe, regions, panZoom };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of picture and readings; no form is near.
    <div
      ref={panZoom.stage}
      className={classes(
        styles.stage,
        styles[view],
        showOriginal && comparison && styles.held,
        isPainting && styles.painting,
      )}
      role="group"
      aria-label={`Picture ${image.file.name}. Shift and arrow keys move it, plus and minus zoom, I reads the maps at a point.`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: panning and reading by keyboard need the focus.
      tabIndex={0}
      data-testid="stage"
      data-view={view}
      onPointerMove={onPointerMove}
      onPointerDown={(event) =>
        event.pointerType === 'touch' && setPointed(panZoom.place({ x: event.clientX, y: event.clientY }))
      }
      onPointerLeave={(event) => {
        if (event.pointerType === 'touch') return;
        setPointed(null);
        painter.current?.hover(null);
      }}
      onKeyDown={onKeyDown}
      onDoubleClick={isPainting ? undefined : panZoom.fit}
    >
      {!original.hasFailed && (
        <div className={styles.panes} style={isDifference ? { filter: `brightness(${amplification})` } : undefined}>
          {comparison && (
            <StagePane
              key={`before ${image.id}`}
              side="before"
              label={isBeforeSeen ? comparison.before.label : null}
              name={`${name}, ${comparison.before.label.toLowerCase()}`}
              picture={before}
              layer={layerBefore}
              previews={NOTHING}
              drawing={null}
              {...shared}
            />
          )}
          <StagePane
            key={`after ${image.id}`}
            side="after"
            label={comparison && !isDifference ? comparison.after.label : null}
            name={comparison ? `${name}, ${comparison.after.label.toLowerCase()}` : name}
            picture={after}
            layer={layer}
            previews={isDifference ? NOTHING : previews}
            drawing={drawing}
            {...shared}
          />
        </div>
      )}
      {comparison && view === 'slider' && (
        <SliderDivider stage={panZoom.stage} before={comparison.before.label} after={comparison.after.label} />
      )}
      {!size && !original.hasFailed && (
        <p className={styles.opening}>
          <Icon name="spinner" className={controls.spinner} /> Opening {image.file.name}
        </p>
      )}
      {original.hasFailed && <p className={styles.opening}>No picture: {image.file.name} could not be opened.</p>}
      {showOriginal && <p className={styles.flag}>{comparison?.before.label ?? 'Original'}</p>}
      <div className={styles.foot}>
        <Readout
          item={comparison?.after.item ?? image}
          before={comparison?.before.item ?? null}
          place={place}
          size={size}
          phrase={phrase}
          spoken={probe !== null}
        />
        {isDifference && comparison ? (
          <DifferenceLegend amplification={amplification} before={comparison.before.label} />
        ) : layers[0] ? (
          <Legend
            layer={layer ?? layers[0]}
            scale={scale}
            range={range}
            opacity={opacity}
            isShared={compared.length > 1}
          />
        ) : (
          missing && <p className={styles.chip}>{missing}</p>
        )}
      </div>
    </div>
  );
}

/** The file of a compared picture; the original's where there is no comparison. */
function usePictureOf(picture: Comparison['after'] | undefined, original: PictureFile): PictureFile {
  const file = picture?.file ?? original.file;
  const preview = picture ? picture.preview : original.preview;
  const { size, hasFailed } = original;
  return useMemo(() => ({ file, preview, size, hasFailed }), [file, preview, size, hasFailed]);
}

/** What is being painted right now, where it is this very picture that is refined. */
function usePreviews(image: ImageItem, comparison: Comparison | null) {
  const previews = useApp((state) => state.latentPreviews);
  const job = useApp((state) => refinementsOf(state, image.id).job);
  const isHere =
    job.state === 'refining' &&
    previews[0]?.jobId === job.jobId &&
    (job.request.parent?.id ?? null) === (comparison?.refinement.id ?? null);
  return isHere ? previews : NOTHING;
}
