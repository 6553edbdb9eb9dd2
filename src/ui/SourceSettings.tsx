import { useId, useState } from 'react';
import { isAllowedEndpoint, normalEndpoint } from '../store/hubSlice.ts';
import controls from './controls.module.css';
import styles from './ModelsDialog.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Where models are fetched from, and as whom. */
export function SourceSettings() {
  return (
    <div className={styles.source}>
      <Endpoint />
      <Token />
      <section>
        <h3>Without a network</h3>
        <p className={controls.quietText}>
          Installed models work offline. To bring one to a machine that is, export it here under Installed, carry the
          folder over, and choose it there.
        </p>
      </section>
    </div>
  );
}

function Endpoint() {
  const store = useAppStore();
  const { endpoint } = useApp((state) => state.hub);
  const allowed = useApp((state) => state.hubEndpoints);
  const [typed, setTyped] = useState<string | null>(null);
  const id = useId();
  const shown = typed ?? endpoint;
  const wanted = normalEndpoint(shown);
  const isAllowed = allowed.length === 0 || wanted === null || isAllowedEndpoint(wanted, allowed);
  const commit = () => {
    if (typed !== null) store.getState().setHubEndpoint(typed);
    setTyped(null);
  };
  return (
    <form
      className={styles.field}
      onSubmit={(event) => {
        event.preventDefault();
        commit();
      }}
    >
      <label htmlFor={id}>Models are downloaded from</label>
      <input
        id={id}
        type="text"
        inputMode="url"
        list={`${id}-allowed`}
        value={shown}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={!isAllowed}
        aria-describedby={`${id}-note`}
        onChange={({ target }) => setTyped(target.value)}
        onBlur={commit}
      />
      <datalist id={`${id}-allowed`}>
        {allowed.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <p
        id={`${id}-note`}
        className={isAllowed ? controls.quietText : styles.warn}
        role={isAllowed ? undefined : 'alert'}
      >
        {isAllowed ? (
          'The Hugging Face hub, or a mirror of it. Empty: the usual one.'
        ) : (
          <>
            This page may fetch from {allowed.join(', ')} alone. To allow another address, start the app with{' '}
            <code>GREFINE_HUB={wanted} npm start</code>
          </>
        )}
      </p>
    </form>
  );
}

function Token() {
  const store = useAppStore();
  const { token, endpoint } = useApp((state) => state.hub);
  const remember = useApp((state) => state.remembersToken);
  const id = useId();
  return (
    <form className={styles.field} onSubmit={(event) => event.preventDefault()}>
      <label htmlFor={id}>Access token</label>
      <input
        id={id}
        type="password"
        value={token ?? ''}
        placeholder="hf_…"
        spellCheck={false}
        autoComplete="off"
        aria-describedby={`${id}-note`}
        onChange={({ target }) => store.getState().setHubToken(target.value, { remember })}
      />
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={remember}
          onChange={({ target }) => store.getState().setHubToken(token, { remember: target.checked })}
        />{' '}
        Remember it on this machine
      </label>
      <p id={`${id}-note`} className={controls.quietText}>
        Only models whose authors ask for it need one. It is sent to {hostOf(endpoint)} alone.{' '}
        {remember
          ? 'It is kept in this browser, readable to whoever uses it.'
          : 'It is forgotten when this page is closed.'}
      </p>
    </form>
  );
}

function hostOf(endpoint: string): string {
  return URL.parse(endpoint)?.host ?? endpoint;
}
