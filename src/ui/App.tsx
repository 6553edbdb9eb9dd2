import { Tooltip } from 'radix-ui';
import type { AppStore } from '../store/appStore.ts';
import { AddModelDialog } from './AddModelDialog.tsx';
import styles from './App.module.css';
import { BatchPage } from './BatchPage.tsx';
import { CalibrationDialog } from './CalibrationDialog.tsx';
import { EmptyState } from './EmptyState.tsx';
import { Files } from './Files.tsx';
import { HelpDialog } from './HelpDialog.tsx';
import { ModelsDialog } from './ModelsDialog.tsx';
import { NewerVersion } from './NewerVersion.tsx';
import { Notices } from './Notices.tsx';
import { SamplesDialog } from './Samples.tsx';
import { StatusBar } from './StatusBar.tsx';
import { StoreContext, useApp } from './StoreContext.tsx';
import { TopBar } from './TopBar.tsx';
import { useKeys } from './useKeys.ts';
import { Workspace } from './Workspace.tsx';

/** The one screen. */
export function App({ store }: { store: AppStore }) {
  return (
    <StoreContext value={store}>
      <Tooltip.Provider delayDuration={400}>
        <Files>
          <Screen />
        </Files>
      </Tooltip.Provider>
    </StoreContext>
  );
}

function Screen() {
  const hasImages = useApp((state) => state.images.length > 0);
  const isBatchShown = useApp((state) => state.batchShown);
  return (
    <div className={styles.screen}>
      <TopBar />
      {isBatchShown ? <BatchPage /> : hasImages ? <Workspace /> : <Start />}
      <StatusBar />
      <Notices />
      <NewerVersion />
      <HelpDialog />
      <ModelsDialog />
      <CalibrationDialog />
      <AddModelDialog />
      <SamplesDialog />
    </div>
  );
}

function Start() {
  useKeys(null);
  return <EmptyState />;
}
