import type { RuntimeStatus } from '../runtime/status.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import styles from './EmptyState.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import { COMMAND_KEY } from './keys.ts';
import { StartSamples } from './Samples.tsx';
import { StartModels } from './StartModels.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { adapterName, TIER_NAMES, TIER_NOTES } from './words.ts';

/** What is seen before there is an image: where to put one, and what this machine can do. */
export function EmptyState() {
  const { pickImages, pickImageFolder } = useFiles();
  return (
    <main className={styles.empty}>
      <section className={styles.target}>
        <Icon name="image" size={40} className={styles.picture} />
        <p className={styles.sentence}>
          Drop a generated image to see where it looks wrong or misses its prompt, and to repair just that.
        </p>
        <p className={styles.actions}>
          <button
            type="button"
            className={classes(controls.button, controls.primary, styles.open)}
            onClick={pickImages}
          >
            Open images
          </button>
          <button type="button" className={classes(controls.button, styles.open)} onClick={pickImageFolder}>
            Open a folder
          </button>
          <span className={classes(controls.quietText, styles.paste)}>
            or paste one with <kbd className={controls.key}>{COMMAND_KEY} V</kbd>
          </span>
        </p>
        <p className={classes(controls.quietText, controls.small)}>
          Everything is computed on this machine. The prompt is read from the file where its generator wrote it.
        </p>
      </section>
      <StartSamples />
      <div className={styles.cards}>
        <Machine />
        <StartModels />
      </div>
    </main>
  );
}

function Machine() {
  const store = useAppStore();
  const engine = useApp((state) => state.engine);
  const status = engine.state === 'ready' || engine.state === 'switching' ? engine.status : null;
  const tested = status?.selfTests.find(({ tier }) => tier === status.tier);
  return (
    <section className={styles.card}>
      <h2>
        <Icon name="chip" /> This machine
      </h2>
      {engine.state === 'starting' && (
        <p role="status">
          <Icon name="spinner" className={controls.spinner} /> Checking what it can do…
        </p>
      )}
      {engine.state === 'failed' && <p>The engine did not start. See above.</p>}
      {status && (
        <>
          <p className={styles.main}>
            {TIER_NAMES[status.tier]}
            {status.tier !== 'wasm' && status.adapter && adapterName(status.adapter) && (
              <span className={controls.quietText}> · {adapterName(status.adapter)}</span>
            )}
          </p>
          <p className={controls.quietText}>
            {whyThisTier(status)} {TIER_NOTES[status.tier]}
            {tested?.passed && ` Self-test passed, ${tested.checks.length} checks.`}
          </p>
          <button type="button" className={controls.link} onClick={() => store.getState().setPanel('machine')}>
            All about this machine
          </button>
        </>
      )}
    </section>
  );
}

/** Why no better tier is in use: the reason of the best one that is not. Tiers come best first. */
function whyThisTier({ tiers, tier }: RuntimeStatus): string | null {
  const better = tiers.slice(
    0,
    tiers.findIndex((option) => option.tier === tier),
  );
  return better.find(({ reason }) => reason !== null)?.reason ?? null;
}
