import { useState } from 'react';
import { type Install, installBytes, isAtWork } from '../store/install.ts';
import { adviceFor } from '../store/problem.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './InstallCard.module.css';
import { installFacts, installTitle, shortWords } from './modelWords.ts';
import { ProblemCard } from './ProblemCard.tsx';
import { ProgressBar } from './ProgressBar.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { useNow } from './useNow.ts';
import { bytes, INSTALL_WORDS } from './words.ts';

/** The installation on the screen: how far it is, and how it is stopped, gone on with and given up. */
export function InstallCard({ install }: { install: Install }) {
  const store = useAppStore();
  const now = useNow();
  const others = useApp(
    ({ activity, packJob }) => packJob !== null || (activity.running !== null && activity.elsewhere),
  );
  const [asking, setAsking] = useState(false);
  const { state, parts, current, progress } = install;
  const { doneBytes, totalBytes } = installBytes(install);
  const facts = installFacts(install, now);
  const part = parts[current];
  const isResting = !isAtWork(install);
  const canPause = state.is === 'preparing' || state.is === 'running';
  const title = installTitle(install);
  // Where the problem's own button resumes, or nothing to resume will ever come of it, one button less.
  const canResume =
    isResting && !(state.is === 'failed' && /resumeInstall|addModel/.test(adviceFor(state.problem).remedy));
  return (
    <section className={styles.card} aria-label="Installation" data-testid="install" data-state={state.is}>
      <h3 role="status">
        <Icon name={isResting ? 'cube' : 'spinner'} className={isResting ? undefined : controls.spinner} /> {title}
      </h3>
      <ProgressBar
        label={title}
        fraction={totalBytes ? doneBytes / totalBytes : null}
        text={facts.join(', ') || undefined}
        resting={isResting}
      />
      <p className={styles.facts}>
        {facts.map((fact) => (
          <span key={fact.replace(/[\d.]+/g, '')}>{fact}</span>
        ))}
        {facts.length === 0 && state.is === 'preparing' && <span>Asking for sizes…</span>}
      </p>
      <p className={styles.at}>
        {parts.length > 1 && (
          <span>
            Model {current + 1} of {parts.length}: {part?.name}
          </span>
        )}
        {state.is === 'running' && progress && (
          <span className={styles.item}>
            {INSTALL_WORDS[progress.stage]} {progress.item}
          </span>
        )}
      </p>
      {state.is === 'short' && (
        <p className={styles.problem} role="alert">
          {shortWords(state)}
        </p>
      )}
      {state.is === 'failed' && <ProblemCard problem={state.problem} imageId={null} />}
      {asking ? (
        <fieldset className={styles.actions} aria-label="Give it up?">
          <p>
            {progress && progress.doneBytes > 0
              ? `Delete the ${bytes(progress.doneBytes)} of ${part?.name} done so far?`
              : 'Give it up?'}{' '}
            {current > 0 && 'Finished models stay.'}
          </p>
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            onClick={() => {
              setAsking(false);
              void store.getState().cancelInstall();
            }}
          >
            Give up
          </button>
          {/* biome-ignore lint/a11y/noAutofocus: the question was just asked for; the harmless answer has the focus. */}
          <button type="button" className={controls.button} onClick={() => setAsking(false)} autoFocus>
            Keep
          </button>
        </fieldset>
      ) : (
        <div className={styles.actions}>
          {canPause && (
            <button type="button" className={controls.button} onClick={() => store.getState().pauseInstall()}>
              <Icon name="pause" /> Pause
            </button>
          )}
          {canResume && (
            <button
              type="button"
              // Only one thing to do is the prominent one.
              className={classes(controls.button, state.is !== 'failed' && controls.primary)}
              disabled={others}
              onClick={() => void store.getState().resumeInstall()}
            >
              <Icon name="play" /> Resume
            </button>
          )}
          {state.is === 'short' && (
            <button type="button" className={controls.button} onClick={() => store.getState().showModels('installed')}>
              See installed models
            </button>
          )}
          <button
            type="button"
            className={classes(controls.button, controls.quiet)}
            disabled={state.is === 'cancelling' || state.is === 'pausing'}
            onClick={() => setAsking(true)}
          >
            Cancel
          </button>
        </div>
      )}
    </section>
  );
}
