import { InstallNotice } from './InstallNotice.tsx';
import styles from './Notices.module.css';
import { ProblemCard } from './ProblemCard.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Problems that belong to no single image. */
export function Notices() {
  const store = useAppStore();
  const notices = useApp((state) => state.notices);
  const engine = useApp((state) => state.engine);
  const isInstallStopped = useApp(({ install, panel }) => install !== null && panel !== 'packs');
  if (notices.length === 0 && engine.state !== 'failed' && !isInstallStopped) return null;
  return (
    <div className={styles.notices}>
      {engine.state === 'failed' && <ProblemCard problem={engine.problem} imageId={null} />}
      <InstallNotice />
      {notices.map(({ id, problem }) => (
        <ProblemCard key={id} problem={problem} imageId={null} onDismiss={() => store.getState().dismissNotice(id)} />
      ))}
    </div>
  );
}
