import { Fragment } from 'react';
import controls from './controls.module.css';
import styles from './HelpDialog.module.css';
import { KEYS } from './keys.ts';
import { Modal } from './Modal.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

/** The keys, and what the numbers mean. */
export function HelpDialog() {
  const store = useAppStore();
  const open = useApp((state) => state.helpOpen);
  const strategies = useApp((state) => state.refineStrategies);
  if (!open) return null;
  return (
    <Modal title="Keys" onClose={() => store.getState().setHelpOpen(false)}>
      <div className={styles.groups}>
        {KEYS.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl className={styles.keys}>
              {keys.map(({ names, does }) => (
                <div key={does}>
                  <dt>
                    {names.map((name, i) => (
                      <Fragment key={name}>
                        {i > 0 && ' '}
                        <kbd className={controls.key}>{name}</kbd>
                      </Fragment>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <h3 className={styles.title}>What the maps say</h3>
      <p className={styles.text}>
        <b>PQ</b>, perceptual quality, is low where the picture looks wrong. <b>AQ</b>, alignment quality, is low where
        it misses the prompt. Both run from 0, bad, to 100, good; good places stay clear so that the colours lead to the
        bad ones. All numbers are estimates by a model, made on this machine; nothing is uploaded.
      </p>
      <h3 className={styles.title}>The ways of refining</h3>
      <p className={styles.text}>
        G-Refine repaints only what is bad and keeps only what measures better. All others are there to compare it with,
        or for what you know better than the maps. Most keep whatever they make; the result says so where it got worse.
      </p>
      <dl className={styles.strategies}>
        {strategies.map(({ id, title, whenToChoose }) => (
          <div key={id}>
            <dt>{title}</dt>
            <dd>{whenToChoose}</dd>
          </div>
        ))}
      </dl>
      <h3 className={styles.title}>Many images</h3>
      <p className={styles.text}>
        Drop a whole folder, and all its images are measured or refined one after another, with a table, a plot and
        files to take away. Prompts are read from the images, or from a <code>prompts.csv</code> beside them with the
        columns <code>file</code> and <code>prompt</code>, a <code>prompts.txt</code> with lines like{' '}
        <code>dog.png: a brown dog</code>, or a <code>dog.txt</code> beside <code>dog.png</code>. Results are kept in
        this browser until you delete them; after a reload, drop the folder again or allow it once more to go on.
      </p>
    </Modal>
  );
}
