import { useEffect, useRef, useState } from 'react';
import { fewestImages, type RatingScale } from '../calibration/ratings.ts';
import { adviceFor, type Problem } from '../store/problem.ts';
import styles from './CalibrationDialog.module.css';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { droppedFiles, pickedFiles } from './droppedFiles.ts';
import { Icon } from './Icon.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Asks for a table of ratings and the images it speaks of, and shows how they fit. */
export function RatingsForm({ problem }: { problem: Problem | null }) {
  const store = useAppStore();
  const ratings = useApp((state) => state.ratings);
  const imageCount = useApp((state) => state.ratedImages.length);
  const hasModel = useApp((state) => state.packInUse.maps !== null);
  const [typed, setTyped] = useState<{ of: unknown; scale: RatingScale } | null>(null);
  const scale = typed && typed.of === ratings?.table ? typed.scale : (ratings?.scale ?? [1, 5]);
  const count = ratings?.matched.length ?? 0;
  const why = !hasModel
    ? 'A model for the maps is needed first.'
    : !ratings
      ? 'Choose a table of ratings first.'
      : imageCount === 0
        ? 'Choose the images it speaks of.'
        : count < fewestImages
          ? `${count} rated ${count === 1 ? 'image is' : 'images are'} there; ${fewestImages} or more are needed.`
          : !(scale[0] < scale[1])
            ? 'The lowest rating has to be below the highest.'
            : null;
  const setScale = (next: RatingScale) => setTyped({ of: ratings?.table, scale: next });

  return (
    <section className={styles.section} aria-label="Ratings">
      <p>
        Rate images, and the maps learn which ones you call good. Needed are the images and a table with a row for each:
        its <code>file</code> and your <code>rating</code>, higher is better. Columns named <code>technical</code>,{' '}
        <code>rationality</code>, <code>naturalness</code> (ratings of one factor), <code>prompt</code> and{' '}
        <code>alignment</code> (how well it was followed) are used where they are there. Nothing leaves this machine.
      </p>
      <DropArea />
      {problem && (
        <div className={styles.problem} role="alert">
          <b>{adviceFor(problem).title}</b>
          <p>{problem.message}</p>
        </div>
      )}
      {ratings && <Match />}
      {ratings && (
        <div className={styles.scale}>
          <span id="rating-scale">Ratings go from</span>
          {([0, 1] as const).map((end) => (
            <input
              key={end}
              type="number"
              step="any"
              aria-label={end === 0 ? 'Lowest rating possible' : 'Highest rating possible'}
              value={scale[end]}
              onChange={({ target }) =>
                setScale(end === 0 ? [target.valueAsNumber, scale[1]] : [scale[0], target.valueAsNumber])
              }
            />
          ))}
          <span className={controls.quietText}>worst and best that could be given</span>
        </div>
      )}
      <div className={styles.row}>
        <button
          type="button"
          className={classes(controls.button, controls.primary)}
          disabled={why !== null}
          aria-describedby="learning-why"
          onClick={() => void store.getState().startLearning(scale)}
        >
          Learn from {count > 0 ? `${count} images` : 'them'}
        </button>
        <span id="learning-why" className={controls.quietText}>
          {why ?? 'A first look at an image takes about as long as analysing it.'}
        </span>
      </div>
    </section>
  );
}

/** Takes files by drop, and by dialogs for those who do not drag. */
function DropArea() {
  const store = useAppStore();
  const table = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  useEffect(() => {
    // Not among React's attributes.
    if (folder.current) folder.current.webkitdirectory = true;
  }, []);
  const input = {
    type: 'file',
    multiple: true,
    className: controls.hidden,
    tabIndex: -1,
    'aria-hidden': true,
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      void store.getState().takeRatingFiles(pickedFiles(event.currentTarget.files));
      // The same file may be chosen again.
      event.currentTarget.value = '';
    },
  } as const;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the buttons inside do the same for those who do not drag.
    <div
      className={classes(styles.drop, over && styles.over)}
      onDragOver={(event) => {
        event.preventDefault();
        // The page behind would take the files for images to analyse.
        event.stopPropagation();
        event.nativeEvent.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.nativeEvent.stopPropagation();
        setOver(false);
        droppedFiles(event.dataTransfer).then(
          (files) => store.getState().takeRatingFiles(files),
          (error) => store.getState().report(error, 'calibrate'),
        );
      }}
    >
      <p>Drop the table and the folder of images here, or</p>
      <div className={styles.row}>
        <button type="button" className={controls.button} data-first-focus="" onClick={() => table.current?.click()}>
          <Icon name="copy" /> Choose the table
        </button>
        <button type="button" className={controls.button} onClick={() => folder.current?.click()}>
          <Icon name="folder" /> Choose the images’ folder
        </button>
      </div>
      <input {...input} ref={table} accept=".csv,.tsv,.txt,.json" data-testid="pick-ratings" />
      <input {...input} ref={folder} data-testid="pick-rated-images" />
    </div>
  );
}

/** Names shown of a list before the rest is counted. */
const SHOWN = 20;

/** Which rated images are there, and which are not. */
function Match() {
  const ratings = useApp((state) => state.ratings);
  const hasImages = useApp((state) => state.ratedImages.length > 0);
  if (!ratings) return null;
  const { name, table, matched, missing, unrated } = ratings;
  const used = Object.entries(table.columns)
    .filter(([column]) => column !== 'file')
    .map(([column, title]) => (column === title.toLowerCase() ? title : `${title} as ${column}`));
  return (
    <div className={styles.match}>
      <p>
        <Icon name="ok" size={14} /> <b>{name}</b> rates {table.images.length}{' '}
        {table.images.length === 1 ? 'image' : 'images'}. Columns used: {used.join(', ')}.
        {table.ignored.length > 0 && <span className={controls.quietText}> Not used: {table.ignored.join(', ')}.</span>}
      </p>
      {table.hints.map((hint) => (
        <p key={hint} className={controls.quietText}>
          {hint}
        </p>
      ))}
      {hasImages && (
        <p>
          <Icon name={matched.length > 0 ? 'ok' : 'alert'} size={14} /> {matched.length} of them{' '}
          {matched.length === 1 ? 'is' : 'are'} among the images chosen.
        </p>
      )}
      {hasImages && <Names title="Rated, but not found" names={missing} />}
      <Names title="Chosen, but not rated" names={unrated} />
    </div>
  );
}

function Names({ title, names }: { title: string; names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <details className={styles.names}>
      <summary>
        {title}: {names.length}
      </summary>
      <ul>
        {names.slice(0, SHOWN).map((name) => (
          <li key={name}>{name}</li>
        ))}
        {names.length > SHOWN && <li className={controls.quietText}>and {names.length - SHOWN} more</li>}
      </ul>
    </details>
  );
}
