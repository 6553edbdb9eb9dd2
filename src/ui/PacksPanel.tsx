import { useState } from 'react';
import type { PackSummary } from '../bridge/protocol.ts';
import { PACK_KINDS, type PackKind } from '../store/packsSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import styles from './Panel.module.css';
import { PACK_KIND_WORDS } from './refineWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes, PRECISION_NAMES } from './words.ts';

/** Installed models: use one, remove one, add one. */
export function PacksPanel() {
  const packs = useApp((state) => state.packs);
  const installing = useApp((state) => state.install !== null);
  return (
    <div className={styles.panel}>
      <section>
        <h2>Models on this machine</h2>
        {packs === null && <p className={styles.quiet}>Reading…</p>}
        {packs &&
          PACK_KINDS.map((kind) => <Kind key={kind} kind={kind} packs={packs.filter((pack) => pack.kind === kind)} />)}
      </section>
      <AddModel installing={installing} />
    </div>
  );
}

/** The packs of one kind: at most one of them is in use. */
function Kind({ kind, packs }: { kind: PackKind; packs: readonly PackSummary[] }) {
  const { name, does, missing } = PACK_KIND_WORDS[kind];
  return (
    <section className={styles.kind} aria-label={name}>
      <h3>
        {name} <span>{does}</span>
      </h3>
      {packs.length === 0 ? (
        <p className={styles.quiet}>{missing}</p>
      ) : (
        <ul className={styles.choices}>
          {packs.map((pack) => (
            <Pack key={pack.id} pack={pack} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** How a model gets here, with the two ways to choose its files. */
export function AddModel({ installing }: { installing: boolean }) {
  const { pickModelFolder, pickModelFiles } = useFiles();
  return (
    <section>
      <h2>Add a model</h2>
      <p className={styles.quiet}>
        Any folder as published on Hugging Face: CLIP (such as <i>openai/clip-vit-base-patch16</i>), Stable Diffusion
        inpainting, SDXL inpainting, or PASD. Drop it anywhere, or choose it here: what it is, is read from its files.
        It stays on this machine.
      </p>
      <p className={classes(styles.row, styles.addButtons)}>
        <button type="button" className={controls.button} onClick={pickModelFolder} disabled={installing}>
          <Icon name="folder" /> Choose folder
        </button>
        <button
          type="button"
          className={classes(controls.button, controls.quiet)}
          onClick={pickModelFiles}
          disabled={installing}
        >
          Choose its files
        </button>
      </p>
    </section>
  );
}

function Pack({ pack }: { pack: PackSummary }) {
  const store = useAppStore();
  const used = useApp((state) => state.packInUse[pack.kind] === pack.id);
  const opening = useApp((state) => state.openingPackId === pack.id);
  const [asking, setAsking] = useState(false);
  if (asking) {
    return (
      <li className={styles.empty}>
        <p>
          Delete {pack.name}? It frees {bytes(pack.byteLength)}; results already shown stay.
        </p>
        <p className={classes(styles.row, styles.addButtons)}>
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            onClick={() => store.getState().deletePack(pack.id)}
          >
            Delete
          </button>
          {/* biome-ignore lint/a11y/noAutofocus: the question was just asked for; the harmless answer has the focus. */}
          <button type="button" className={controls.button} onClick={() => setAsking(false)} autoFocus>
            Keep
          </button>
        </p>
      </li>
    );
  }
  return (
    <li className={styles.pack}>
      <button
        type="button"
        className={styles.choice}
        aria-pressed={used}
        onClick={() => !used && store.getState().choosePack(pack.id)}
      >
        <span className={styles.mark}>
          {opening ? <Icon name="spinner" className={controls.spinner} /> : used && <Icon name="check" />}
        </span>
        <span>
          <b>{pack.name}</b>
          <span className={styles.quiet}>
            {pack.description} · {PRECISION_NAMES[pack.precision]} · {bytes(pack.byteLength)}
            {pack.hasLearnedContexts ? ' · learned quality words' : ''}
          </span>
        </span>
      </button>
      <button
        type="button"
        className={classes(controls.button, controls.quiet, controls.icon)}
        aria-label={`Delete ${pack.name}`}
        onClick={() => setAsking(true)}
      >
        <Icon name="trash" />
      </button>
    </li>
  );
}
