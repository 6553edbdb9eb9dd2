import { memo } from 'react';
import type { ImageItem } from '../store/imagesSlice.ts';
import { keptVariant, type Refinement } from '../store/refinement.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import styles from './ResultPanel.module.css';
import { settingsSummary } from './refineWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { Thumbnail } from './Thumbnail.tsx';
import { duration, percent } from './words.ts';

/** Every result of the image, newest first, and the original at the end; a click shows one. */
export const HistoryPanel = memo(function HistoryPanel({ image }: { image: ImageItem }) {
  const store = useAppStore();
  const { entries, currentId } = useApp((state) => refinementsOf(state, image.id).history);
  if (entries.length === 0) return null;
  const { showRefinement } = store.getState();
  const numbers = new Map(entries.map(({ id }, i) => [id, i + 1]));
  return (
    <section className={styles.section} aria-label="History">
      <h3>
        History{' '}
        <span>
          {entries.length} {entries.length === 1 ? 'result' : 'results'}
        </span>
      </h3>
      <ol className={styles.history} reversed>
        {[...entries].reverse().map((entry) => (
          <li key={entry.id}>
            <Entry
              entry={entry}
              number={numbers.get(entry.id) ?? 0}
              parent={entry.parent ? (numbers.get(entry.parent.id) ?? null) : null}
              isCurrent={entry.id === currentId}
              onShow={() => showRefinement(image.id, entry.id)}
            />
          </li>
        ))}
        <li>
          <button
            type="button"
            className={classes(styles.entry, currentId === null && styles.current)}
            aria-current={currentId === null}
            onClick={() => showRefinement(image.id, null)}
          >
            <Thumbnail file={image.file} preview={image.opened?.preview ?? null} />
            <span>
              <b>Original</b>
              <span className={styles.quiet}>{scores(image.perceptual?.score, image.alignment?.score)}</span>
            </span>
          </button>
        </li>
      </ol>
    </section>
  );
});

function Entry({
  entry,
  number,
  parent,
  isCurrent,
  onShow,
}: {
  entry: Refinement;
  number: number;
  parent: number | null;
  isCurrent: boolean;
  onShow: () => void;
}) {
  const { result, file, preview } = keptVariant(entry);
  const { perceptual, alignment } = result.after;
  return (
    <button
      type="button"
      className={classes(styles.entry, isCurrent && styles.current)}
      aria-current={isCurrent}
      onClick={onShow}
    >
      {file && <Thumbnail file={file} preview={preview} />}
      <span>
        <b>Result {number}</b>
        {parent !== null && <span className={styles.from}>from result {parent}</span>}
        <span className={styles.quiet}>{scores(perceptual.score, alignment?.score)}</span>
        <span className={styles.quiet}>
          {new Date(entry.finishedAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })} ·{' '}
          {duration(entry.took)} · {settingsSummary({ ...result, seeds: entry.variants.length })}
        </span>
      </span>
    </button>
  );
}

const scores = (quality: number | undefined, match: number | undefined) =>
  `Quality ${percent(quality)}${match === undefined ? '' : ` · Match ${percent(match)}`}`;
