import { Tabs } from 'radix-ui';
import { useEffect, useRef } from 'react';
import { recommendedBundles } from '../store/bundleState.ts';
import type { ModelsTab } from '../store/viewSlice.ts';
import { AddFromDisk } from './AddFromDisk.tsx';
import { BundleCard } from './BundleCard.tsx';
import { InstallCard } from './InstallCard.tsx';
import { InstalledPacks } from './InstalledPacks.tsx';
import { Modal } from './Modal.tsx';
import styles from './ModelsDialog.module.css';
import { OtherTabCard } from './OtherTabCard.tsx';
import { SourceSettings } from './SourceSettings.tsx';
import { StorageMeter } from './StorageMeter.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { UnfinishedList } from './UnfinishedList.tsx';

/** Models: get them, keep them, and where they come from. */
export function ModelsDialog() {
  const open = useApp((state) => state.panel === 'packs');
  return open && <Content />;
}

function Content() {
  const store = useAppStore();
  const tab = useApp((state) => state.modelsTab);
  const count = useApp((state) => state.packs?.length ?? 0);
  const install = useApp((state) => state.install);
  const work = useRef<HTMLDivElement>(null);
  const installId = install?.id ?? null;

  // What was just started is in sight.
  useEffect(() => {
    if (installId !== null) work.current?.scrollIntoView({ block: 'nearest' });
  }, [installId]);
  return (
    <Modal title="Models" size="wide" onClose={() => store.getState().setPanel(null)} footer={<StorageMeter />}>
      <div ref={work} className={styles.work}>
        <OtherTabCard />
        {install && <InstallCard install={install} />}
        <UnfinishedList />
      </div>
      <Tabs.Root value={tab} onValueChange={(value) => store.getState().showModels(value as ModelsTab)}>
        <Tabs.List className={styles.tabs} aria-label="Models">
          <Tabs.Trigger className={styles.tab} value="get">
            Get models
          </Tabs.Trigger>
          <Tabs.Trigger className={styles.tab} value="installed">
            Installed{count > 0 && ` (${count})`}
          </Tabs.Trigger>
          <Tabs.Trigger className={styles.tab} value="source">
            Source
          </Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="get" className={styles.content}>
          <Bundles />
        </Tabs.Content>
        <Tabs.Content value="installed" className={styles.content}>
          <InstalledPacks />
        </Tabs.Content>
        <Tabs.Content value="source" className={styles.content}>
          <SourceSettings />
        </Tabs.Content>
      </Tabs.Root>
    </Modal>
  );
}

function Bundles() {
  const bundles = useApp((state) => state.bundles);
  const tier = useApp(({ engine }) => (engine.state === 'ready' ? engine.status.tier : null));
  const budgetBytes = useApp((state) => state.memoryBudget?.bytes ?? null);
  const recommended = recommendedBundles(bundles, { tier, budgetBytes });
  return (
    <ul className={styles.bundles} aria-label="Sets of models">
      {bundles.map((bundle) => (
        <BundleCard key={bundle.id} bundle={bundle} recommended={recommended.includes(bundle.id)} />
      ))}
      <AddFromDisk />
    </ul>
  );
}
