import { Popover } from 'radix-ui';
import { useState } from 'react';
import { version } from '../../package.json' with { type: 'json' };
import { batchCsv, batchJson } from '../batch/batchExport.ts';
import type { OpenBatch } from '../store/batchState.ts';
import { canChooseFolder } from './chooseFolder.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './Panel.module.css';
import { downloadBlob } from './pictureFile.ts';
import { useAppStore } from './StoreContext.tsx';
import { refinedEntries, saveRefined } from './saveRefined.ts';

/** The table as a file, and the refined pictures as files. */
export function BatchExport({ batch }: { batch: OpenBatch }) {
  const store = useAppStore();
  const [open, setOpen] = useState(false);
  const [saving, setSaving] = useState<{ done: number; total: number } | null>(null);
  const { queue, name } = batch;
  const count = refinedEntries(queue).length;
  const save = (text: string, { type, extension }: { type: string; extension: string }) => {
    setOpen(false);
    downloadBlob(new Blob([text], { type }), `${name}.g-refine.${extension}`);
  };
  const savePictures = async () => {
    setSaving({ done: 0, total: count });
    try {
      await saveRefined(store, { batch, onProgress: (done) => setSaving({ done, total: count }) });
    } catch (error) {
      const failure = Object.assign(new Error((error as Error).message), { name: 'StorageError' });
      store.getState().report(failure, 'batch');
    } finally {
      setSaving(null);
      setOpen(false);
    }
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <button type="button" className={controls.button}>
          <Icon name="save" /> Export <Icon name="chevron" size={12} />
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={controls.popover}
          align="end"
          sideOffset={6}
          collisionPadding={8}
          aria-label="Export"
        >
          <div className={styles.panel}>
            <section>
              <h2>The table</h2>
              <button
                type="button"
                className={styles.item}
                onClick={() => save(batchCsv(queue), { type: 'text/csv', extension: 'csv' })}
              >
                <Icon name="save" /> CSV, for spreadsheets
              </button>
              <button
                type="button"
                className={styles.item}
                onClick={() =>
                  save(JSON.stringify(batchJson(queue, { name, version }), null, 1), {
                    type: 'application/json',
                    extension: 'json',
                  })
                }
              >
                <Icon name="save" /> JSON, with all settings
              </button>
            </section>
            {queue.tasks.some(({ work }) => work.kind === 'refine') && (
              <section>
                <h2>Refined pictures</h2>
                <button
                  type="button"
                  className={styles.item}
                  disabled={count === 0 || saving !== null}
                  onClick={() => void savePictures()}
                >
                  <Icon name={saving ? 'spinner' : 'folder'} className={saving ? controls.spinner : ''} />
                  {saving
                    ? `Saving ${saving.done} of ${saving.total}…`
                    : `Save ${count} ${canChooseFolder() ? 'into a folder…' : 'as a zip'}`}
                </button>
                <p className={styles.quiet}>PNG, with the originals’ metadata and how each picture came about.</p>
              </section>
            )}
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
