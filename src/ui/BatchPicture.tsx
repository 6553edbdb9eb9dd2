import { useEffect, useState } from 'react';
import styles from './BatchTable.module.css';
import { useAppStore } from './StoreContext.tsx';

/**
 * Pictures kept of a batch, one over the other; read when they are drawn, and let go of when not.
 * @param names of files, the lowest first; one that is not there leaves its layer out
 */
export function BatchPicture({ names, version }: { names: readonly string[]; version: string }) {
  return (
    <span className={styles.picture} aria-hidden="true">
      {names.map((name) => (
        <Layer key={`${name} ${version}`} name={name} />
      ))}
    </span>
  );
}

function Layer({ name }: { name: string }) {
  const store = useAppStore();
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let isGone = false;
    let made: string | null = null;
    void store
      .getState()
      .batchFile(name)
      .then((file) => {
        if (isGone || !file) return;
        made = URL.createObjectURL(file);
        setUrl(made);
      });
    return () => {
      isGone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [store, name]);
  return url && <img src={url} alt="" draggable={false} decoding="async" />;
}
