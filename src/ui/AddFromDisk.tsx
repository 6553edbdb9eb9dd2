import { IMPORT } from '../store/packJobsSlice.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import styles from './ModelsDialog.module.css';
import { PackJobProgress } from './PackJobProgress.tsx';
import { ProblemCard } from './ProblemCard.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Models that are on this machine already: published ones, and those exported from another browser. */
export function AddFromDisk() {
  const store = useAppStore();
  const { pickModelFolder, pickModelFiles } = useFiles();
  const busy = useApp(arePacksBusy);
  const job = useApp(({ packJob }) => (packJob?.does === 'import' ? packJob : null));
  const problem = useApp((state) => state.packProblems[IMPORT] ?? null);
  return (
    <li className={styles.disk} aria-label="From this machine">
      <h3>
        <Icon name="folder" /> From this machine
      </h3>
      <p className={controls.quietText}>
        A folder as published on Hugging Face (CLIP, Stable Diffusion or SDXL inpainting, PASD), one checkpoint file as
        used in other tools (.safetensors, .ckpt), or a folder this app exported. Drop it anywhere, or choose it here;
        what it is, is read from it.
      </p>
      <p className={styles.row}>
        <button type="button" className={controls.button} onClick={pickModelFolder} disabled={busy}>
          <Icon name="folder" /> Choose folder
        </button>
        <button
          type="button"
          className={classes(controls.button, controls.quiet)}
          onClick={pickModelFiles}
          disabled={busy}
        >
          Choose files
        </button>
      </p>
      {job && <PackJobProgress job={job} />}
      {problem && (
        <ProblemCard problem={problem} imageId={null} onDismiss={() => store.getState().dismissPackProblem(IMPORT)} />
      )}
    </li>
  );
}
