import { otherMaps, toyKinds } from '../store/blocksSlice.ts';
import styles from './BlocksNote.module.css';
import controls from './controls.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Says plainly, while toy models are in use, what they know and what to do for other images. */
export function BlocksNote({ imageId }: { imageId: string }) {
  const store = useAppStore();
  // A text, because a list would be another one each time.
  const toys = useApp((state) => toyKinds(state).join(' '));
  const isSample = useApp((state) => imageId in state.sampleIds);
  const other = useApp(otherMaps);
  if (toys === '') return null;
  const measures = toys.includes('maps');
  return (
    <p className={styles.note} role="note">
      {isSample && measures
        ? 'This is Blocks, a toy world, seen by the small models made for it. For your own images, install Maps and SDXL.'
        : measures
          ? 'Blocks is in use: small models that know rendered solids and nothing else. What they find here means little; for your own images, install Maps and SDXL.'
          : 'Repairs are painted by Blocks, a toy that knows rendered solids and nothing else. For your own images, install SDXL.'}{' '}
      {measures && other !== null ? (
        <button type="button" className={controls.link} onClick={() => void store.getState().leaveBlocks()}>
          Use {other}
        </button>
      ) : (
        <button type="button" className={controls.link} onClick={() => store.getState().showModels('get')}>
          Get models
        </button>
      )}
    </p>
  );
}
