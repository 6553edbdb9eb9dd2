import { bundleProgress } from '../store/bundleState.ts';
import { type Install, installBytes, isAtWork } from '../store/install.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import styles from './EmptyState.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import { installFacts, installTitle } from './modelWords.ts';
import { ProgressBar } from './ProgressBar.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { useNow } from './useNow.ts';
import { bytes, PRECISION_NAMES } from './words.ts';

/** The models' card before there is an image: what is here, or how the first one gets here in one click. */
export function StartModels() {
  const packs = useApp((state) => state.packs);
  const install = useApp((state) => state.install);
  return (
    <section className={styles.card} aria-label="Models">
      {packs === null && (
        <p role="status">
          <Icon name="spinner" className={controls.spinner} /> Looking for models…
        </p>
      )}
      {install && <Installing install={install} />}
      {packs && packs.length > 0 && <Here />}
      {packs && !install && !packs.some(({ kind }) => kind === 'maps') && <First hasOthers={packs.length > 0} />}
    </section>
  );
}

function Installing({ install }: { install: Install }) {
  const store = useAppStore();
  const now = useNow();
  const { doneBytes, totalBytes } = installBytes(install);
  const title = installTitle(install);
  const busy = isAtWork(install);
  return (
    <>
      <h2>
        <Icon name={busy ? 'spinner' : 'cube'} className={busy ? controls.spinner : undefined} /> {title}
      </h2>
      <ProgressBar label={title} fraction={totalBytes ? doneBytes / totalBytes : null} resting={!busy} />
      <p className={controls.quietText}>{installFacts(install, now).join(' · ')}</p>
      <p className={controls.quietText}>
        {busy
          ? 'Images can be opened meanwhile; they are looked at as soon as it is there.'
          : 'What was fetched is kept; it goes on where it stopped.'}
      </p>
      <p className={styles.row}>
        {!busy && (
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            onClick={() => void store.getState().resumeInstall()}
          >
            <Icon name="play" /> Resume
          </button>
        )}
        <button type="button" className={controls.button} onClick={() => store.getState().setPanel('packs')}>
          Details
        </button>
      </p>
    </>
  );
}

/** One click to the maps; the other ways beside it. */
function First({ hasOthers }: { hasOthers: boolean }) {
  const store = useAppStore();
  const { pickModelFolder } = useFiles();
  const bundle = useApp(
    ({ bundles }) => bundles.find(({ models }) => models.every(({ kind }) => kind === 'maps')) ?? null,
  );
  const packs = useApp((state) => state.packs);
  const estimates = useApp((state) => state.estimates);
  const busy = useApp(arePacksBusy);
  const progress = bundle && bundleProgress(bundle, { packs: packs ?? [], estimates });
  const size = progress?.downloadBytes ?? progress?.diskBytes ?? null;
  return (
    <>
      <h2>
        <Icon name="cube" /> {hasOthers ? 'No model finds what is bad yet' : 'No model yet'}
      </h2>
      <p>
        To see what is wrong with an image takes a model that knows images and words. It is fetched once and stays on
        this machine.
      </p>
      {bundle && (
        <p className={controls.quietText}>
          {bundle.models.map(({ name }) => name).join(', ')}
          {size !== null && ` · ${bytes(size)}`} · licence{' '}
          {[...new Map(bundle.models.map(({ licence }) => [licence.name, licence.url]))].map(([name, url]) => (
            <a key={name} href={url} target="_blank" rel="noreferrer">
              {name}
            </a>
          ))}
        </p>
      )}
      <p className={styles.row}>
        {bundle && (
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            disabled={busy}
            onClick={() => void store.getState().installBundle(bundle.id)}
          >
            Install {bundle.name}
          </button>
        )}
        <button type="button" className={controls.button} onClick={() => store.getState().showModels('get')}>
          All models
        </button>
        <button
          type="button"
          className={classes(controls.button, controls.quiet)}
          onClick={pickModelFolder}
          disabled={busy}
        >
          <Icon name="folder" /> Choose folder
        </button>
      </p>
      <p className={controls.quietText}>A model that is on this machine already can be dropped anywhere.</p>
    </>
  );
}

function Here() {
  const store = useAppStore();
  const packs = useApp((state) => state.packs);
  const inUse = useApp((state) => state.packInUse);
  const used = packs?.filter((pack) => inUse[pack.kind] === pack.id) ?? [];
  const canRepair = used.some(({ kind }) => kind !== 'maps');
  return (
    <>
      <h2>
        <Icon name="cube" /> Models
      </h2>
      <ul className={styles.packs}>
        {used.map((pack) => (
          <li key={pack.id}>
            <span className={styles.main}>{pack.name}</span>{' '}
            <span className={controls.quietText}>
              {pack.description} · {PRECISION_NAMES[pack.precision]} · {bytes(pack.byteLength)}
            </span>
          </li>
        ))}
      </ul>
      {!canRepair && (
        <p className={controls.quietText}>This finds what is bad. To repair it takes a model that paints.</p>
      )}
      <button
        type="button"
        className={controls.link}
        onClick={() => store.getState().showModels(canRepair ? 'installed' : 'get')}
      >
        {canRepair ? 'All about the models' : 'Get a model that repairs'}
      </button>
    </>
  );
}
