import { type KeyboardEvent, memo, useEffect, useRef } from 'react';
import type { ImageItem } from '../store/imagesSlice.ts';
import { currentEntry } from '../store/refineHistory.ts';
import { keptVariant, type Refinements } from '../store/refinement.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import styles from './Strip.module.css';
import { percent } from './words.ts';

/** Thumbnails of all images: the selected one is reached by Tab, the others by arrow keys, Delete removes. */
export const Strip = memo(function Strip() {
  const store = useAppStore();
  const images = useApp((state) => state.images);
  const refinements = useApp((state) => state.refinements);
  const selectedId = useApp((state) => state.selectedId);
  const hasSamples = useApp((state) => state.samples.length > 0);
  const { pickImages } = useFiles();
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    const thumb = list.current?.querySelector<HTMLElement>(`[data-image="${selectedId}"]`);
    // With the frame that is laid out anyway.
    const frame = requestAnimationFrame(() => thumb?.scrollIntoView({ block: 'nearest', inline: 'nearest' }));
    // The focus follows the selection while it is in the strip, and stays where it is otherwise.
    if (list.current?.contains(document.activeElement)) thumb?.focus({ preventScroll: true });
    return () => cancelAnimationFrame(frame);
  }, [selectedId]);

  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.key === 'Delete' || event.key === 'Backspace') && selectedId) {
      event.preventDefault();
      store.getState().remove(selectedId);
    }
  };

  return (
    <nav className={styles.strip} aria-label="Images">
      <ul ref={list} onKeyDown={onKeyDown}>
        {images.map((image) => (
          <li key={image.id} className={styles.item}>
            <button
              type="button"
              className={styles.thumb}
              data-image={image.id}
              aria-current={image.id === selectedId}
              aria-label={`${image.file.name}, ${statusWords(image, refinementsOf({ refinements }, image.id))}`}
              tabIndex={image.id === selectedId ? 0 : -1}
              onClick={() => store.getState().select(image.id)}
            >
              <Thumbnail preview={image.opened?.preview ?? null} />
              <State image={image} refinements={refinementsOf({ refinements }, image.id)} />
            </button>
            <button
              type="button"
              className={styles.remove}
              tabIndex={image.id === selectedId ? 0 : -1}
              aria-label={`Remove ${image.file.name}`}
              onClick={() => store.getState().remove(image.id)}
            >
              <Icon name="close" size={12} />
            </button>
          </li>
        ))}
      </ul>
      <button
        type="button"
        className={classes(controls.button, styles.add)}
        onClick={pickImages}
        aria-label="Add images"
      >
        <Icon name="add" />
      </button>
      {hasSamples && (
        <button
          type="button"
          className={classes(controls.button, controls.quiet, styles.samples)}
          onClick={() => store.getState().setPanel('samples')}
          aria-haspopup="dialog"
        >
          Samples
        </button>
      )}
    </nav>
  );
});

function statusWords({ job, perceptual, alignment }: ImageItem, refinements: Refinements): string {
  if (refinements.job.state === 'refining') return 'being refined';
  if (refinements.job.state === 'waiting') return 'waiting to be refined';
  if (refinements.job.state === 'failed') return 'refining failed';
  const after = shownResult(refinements);
  if (after && job.state === 'done') {
    const { perceptual: quality, alignment: match } = after;
    return `refined, quality ${percent(quality.score)}${match ? `, match ${percent(match.score)}` : ''}`;
  }
  switch (job.state) {
    case 'opening':
      return 'opening';
    case 'waiting':
      return 'waiting';
    case 'analysing':
      return 'being analysed';
    case 'failed':
      return 'failed';
    case 'idle':
      return 'not analysed';
    case 'done':
      return `quality ${percent(perceptual?.score)}${alignment ? `, match ${percent(alignment.score)}` : ''}`;
  }
}

/** What was measured of the result shown; null: the original is shown. */
function shownResult({ history }: Refinements) {
  const entry = currentEntry(history);
  return entry && keptVariant(entry).result.after;
}

function State({ image, refinements }: { image: ImageItem; refinements: Refinements }) {
  const { perceptual } = image;
  const { state } = refinements.job;
  const after = shownResult(refinements);
  const job =
    state === 'refining'
      ? { state: 'analysing' }
      : state === 'waiting' || (state === 'failed' && image.job.state === 'done')
        ? { state }
        : image.job;
  switch (job.state) {
    case 'opening':
    case 'analysing':
      return (
        <span className={styles.badge}>
          <Icon name="spinner" size={13} className={controls.spinner} />
        </span>
      );
    case 'waiting':
      return (
        <span className={styles.badge}>
          <Icon name="clock" size={13} />
        </span>
      );
    case 'failed':
      return (
        <span className={classes(styles.badge, styles.failed)}>
          <Icon name="alert" size={13} />
        </span>
      );
    case 'done':
      return (
        <span className={styles.badge}>
          {after && <Icon name="refine" size={11} />}
          {percent((after?.perceptual ?? perceptual)?.score)}
        </span>
      );
    default:
      return null;
  }
}

const THUMB_SIDE = 128;

const Thumbnail = memo(function Thumbnail({ preview }: { preview: ImageBitmap | null }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !preview) return;
    const side = Math.min(preview.width, preview.height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(
      preview,
      (preview.width - side) / 2,
      (preview.height - side) / 2,
      side,
      side,
      0,
      0,
      THUMB_SIDE,
      THUMB_SIDE,
    );
  }, [preview]);
  return <canvas ref={canvas} width={THUMB_SIDE} height={THUMB_SIDE} />;
});
