import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './InstallCard.module.css';
import { bytesWords } from './modelWords.ts';
import { ProgressBar } from './ProgressBar.tsx';
import { useApp } from './StoreContext.tsx';

/** What another tab is doing with models; buttons wait for it. */
export function OtherTabCard() {
  const running = useApp(({ activity }) => (activity.elsewhere ? activity.running : null));
  if (!running) return null;
  const { name, progress } = running;
  const title = `Another tab is at work on ${name}`;
  return (
    <section className={styles.card} aria-label="Another tab" data-testid="elsewhere">
      <h3 role="status">
        <Icon name="spinner" className={controls.spinner} /> {title}
      </h3>
      <ProgressBar
        label={title}
        fraction={progress && progress.totalBytes > 0 ? progress.doneBytes / progress.totalBytes : null}
        text={progress ? bytesWords(progress) : undefined}
      />
      <p className={styles.at}>
        {progress && <span>{bytesWords(progress)}</span>}
        <span>One tab at a time changes models; this one goes on once that is done, with what it installed.</span>
      </p>
    </section>
  );
}
