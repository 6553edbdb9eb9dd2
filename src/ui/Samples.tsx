import { publicUrl } from '../publicUrl.ts';
import { type BlocksState, hasAllToys } from '../store/blocksSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { Modal } from './Modal.tsx';
import { ProgressBar } from './ProgressBar.tsx';
import styles from './Samples.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Pictures to try, before there is an image; nothing where the app comes without the models that know them. */
export function StartSamples() {
  const hasSamples = useApp((state) => state.samples.length > 0);
  if (!hasSamples) return null;
  return (
    <section className={styles.start} aria-label="Samples">
      <h2>
        <Icon name="refine" /> Or try one of these
      </h2>
      <WhatBlocksIs />
      <SampleGrid />
    </section>
  );
}

/** The same, once there are images. */
export function SamplesDialog() {
  const store = useAppStore();
  const open = useApp((state) => state.panel === 'samples');
  if (!open) return null;
  const close = () => store.getState().setPanel(null);
  return (
    <Modal title="Samples" onClose={close}>
      <div className={styles.all}>
        <WhatBlocksIs />
        <SampleGrid onOpen={close} />
      </div>
    </Modal>
  );
}

/** What the samples are and are not, and how far their models are. */
function WhatBlocksIs() {
  const blocks = useApp((state) => state.blocks);
  const kinds = useApp((state) => state.blocksKinds);
  return (
    <>
      <p className={controls.quietText}>
        Each has one fault. They show Blocks, a toy world of rendered solids, to see how it works: the small models that
        come with the app know it and nothing else. For your own images, install Maps and SDXL.
        {!kinds.includes('inpainting') && ' In this version they find what is wrong; none of them repairs it yet.'}
      </p>
      <Progress blocks={blocks} />
    </>
  );
}

function Progress({ blocks }: { blocks: BlocksState }) {
  const store = useAppStore();
  const isComplete = useApp(hasAllToys);
  const get = () => void store.getState().getBlocks({ isAskedFor: true });
  switch (blocks.is) {
    case 'installing':
      return (
        <div className={styles.progress} role="status">
          <span className={controls.quietText}>Getting its models ready…</span>
          <ProgressBar
            label="Models of Blocks"
            fraction={blocks.totalBytes > 0 ? blocks.doneBytes / blocks.totalBytes : null}
          />
        </div>
      );
    case 'failed':
      return (
        <p className={styles.failed} role="alert">
          Its models could not be installed: {blocks.problem.message}{' '}
          <button type="button" className={controls.link} onClick={get}>
            Try again
          </button>
        </p>
      );
    case 'declined':
      return isComplete ? null : (
        <p className={controls.quietText}>
          You deleted its models.{' '}
          <button type="button" className={controls.link} onClick={get}>
            Install them again
          </button>
        </p>
      );
    default:
      return null;
  }
}

function SampleGrid({ onOpen }: { onOpen?: () => void }) {
  const store = useAppStore();
  const samples = useApp((state) => state.samples);
  return (
    <ul className={styles.grid}>
      {samples.map(({ id, file, title, prompt }) => (
        <li key={id}>
          <button
            type="button"
            className={classes(styles.sample)}
            title={prompt}
            onClick={() => {
              void store.getState().openSample(id);
              onOpen?.();
            }}
          >
            <img src={publicUrl(`samples/${file}`)} alt="" width={256} height={256} loading="lazy" decoding="async" />
            <span>{title}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
