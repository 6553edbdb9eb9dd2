import { useState } from 'react';
import type { PackSummary } from '../bridge/protocol.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import { canChooseFolder, chooseFolder } from './chooseFolder.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './InstalledPacks.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** What can be done with an installed model: check it, carry it elsewhere, delete it. */
export function PackActions({ pack }: { pack: PackSummary }) {
  const store = useAppStore();
  const busy = useApp(arePacksBusy);
  const [asking, setAsking] = useState(false);
  const { getState } = store;
  if (asking) {
    return (
      <div className={styles.actions}>
        <p>
          Delete {pack.name}? It frees {bytes(pack.byteLength)}; results already shown stay.
        </p>
        <button
          type="button"
          className={classes(controls.button, controls.primary)}
          onClick={() => void getState().deletePack(pack.id)}
        >
          Delete
        </button>
        {/* biome-ignore lint/a11y/noAutofocus: the question was just asked for; the harmless answer has the focus. */}
        <button type="button" className={controls.button} onClick={() => setAsking(false)} autoFocus>
          Keep
        </button>
      </div>
    );
  }
  return (
    <div className={styles.actions}>
      {pack.kind === 'maps' && (
        <button type="button" className={controls.button} onClick={() => getState().setPanel('calibration')}>
          <Icon name="edit" /> Teach it your taste…
        </button>
      )}
      <button
        type="button"
        className={controls.button}
        disabled={busy}
        aria-label={`Verify ${pack.name}`}
        onClick={() => void getState().verifyPack(pack.id)}
      >
        <Icon name="ok" /> Verify
      </button>
      <button
        type="button"
        className={controls.button}
        disabled={busy || !canChooseFolder()}
        aria-label={`Export ${pack.name}`}
        onClick={async () => {
          const folder = await chooseFolder('models').catch((error) => getState().report(error, 'exportPack'));
          if (folder) void getState().exportPack(pack.id, folder);
        }}
      >
        <Icon name="copy" /> Export to a folder
      </button>
      <button
        type="button"
        className={controls.button}
        disabled={busy}
        aria-label={`Delete ${pack.name}`}
        onClick={() => setAsking(true)}
      >
        <Icon name="trash" /> Delete
      </button>
      {!canChooseFolder() && (
        <p className={styles.quiet}>
          This browser cannot write into folders; Chrome and Edge on a computer can export.
        </p>
      )}
    </div>
  );
}
