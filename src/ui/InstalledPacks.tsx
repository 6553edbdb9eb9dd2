import type { PackSummary } from '../bridge/protocol.ts';
import { arePacksBusy, PACK_KINDS, type PackKind } from '../store/packsSlice.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './InstalledPacks.module.css';
import { PackItem } from './PackItem.tsx';
import { PACK_KIND_WORDS } from './refineWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** Installed models by what they are for: one of each kind is in use. */
export function InstalledPacks() {
  const packs = useApp((state) => state.packs);
  if (packs === null) return <p className={controls.quietText}>Reading…</p>;
  return (
    <>
      {PACK_KINDS.map((kind) => (
        <Kind key={kind} kind={kind} packs={packs.filter((pack) => pack.kind === kind)} />
      ))}
      <Damaged />
    </>
  );
}

/** What cannot be read any more: it only takes room. */
function Damaged() {
  const store = useAppStore();
  const damaged = useApp((state) => state.damagedPacks);
  const busy = useApp(arePacksBusy);
  if (damaged.length === 0) return null;
  return (
    <section className={styles.kind} aria-label="Cannot be used any more">
      <h3>Cannot be used any more</h3>
      <ul className={styles.packs}>
        {damaged.map(({ id, name, reason, byteLength }) => (
          <li key={id} className={styles.damage}>
            <p>
              <Icon name="alert" size={14} />
              <span>
                <b>{name ?? 'A model'}</b>: {reason}
              </span>
            </p>
            <button
              type="button"
              className={controls.button}
              disabled={busy}
              aria-label={`Delete ${name ?? 'the damaged model'}`}
              onClick={() => void store.getState().deletePack(id)}
            >
              <Icon name="trash" /> Delete, frees {bytes(byteLength)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Kind({ kind, packs }: { kind: PackKind; packs: readonly PackSummary[] }) {
  const store = useAppStore();
  const { name, does } = PACK_KIND_WORDS[kind];
  return (
    <section className={styles.kind} aria-label={name}>
      <h3>
        {name} <span>{does}</span>
      </h3>
      {packs.length === 0 ? (
        <p className={controls.quietText}>
          None yet.{' '}
          <button type="button" className={controls.link} onClick={() => store.getState().showModels('get')}>
            Get models
          </button>
        </p>
      ) : (
        <ul className={styles.packs}>
          {packs.map((pack) => (
            <PackItem key={pack.id} pack={pack} />
          ))}
        </ul>
      )}
    </section>
  );
}
