import type { BundleManifest } from '../bundles/bundle.ts';
import { type BundleProgress, installedModel } from '../store/bundleState.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Installs a set of models, the rest of it, or uses it where all of it is here. */
export function BundleActions({
  bundle,
  progress: { installed, missing },
  isActive,
  recommended,
  titleId,
}: {
  bundle: BundleManifest;
  progress: BundleProgress;
  /** Whether its installation is on the screen. */
  isActive: boolean;
  recommended: boolean;
  titleId: string;
}) {
  const store = useAppStore();
  const busy = useApp(arePacksBusy);
  const isUsed = useApp(({ packs, packInUse }) =>
    bundle.models.every((model) => {
      const pack = installedModel(model, packs ?? []);
      return pack !== null && packInUse[pack.kind] === pack.id;
    }),
  );
  if (isActive) return <span className={controls.quietText}>Being installed, see above</span>;
  if (isUsed) {
    return (
      <span className={controls.quietText}>
        <Icon name="check" size={13} /> in use
      </span>
    );
  }
  const label =
    missing === 0
      ? 'Use'
      : installed === 0
        ? 'Install'
        : missing === 1
          ? 'Install the missing one'
          : `Install the missing ${missing}`;
  return (
    <button
      type="button"
      className={classes(controls.button, recommended && controls.primary)}
      disabled={busy}
      aria-describedby={titleId}
      onClick={() => void store.getState().installBundle(bundle.id)}
    >
      {label}
    </button>
  );
}
