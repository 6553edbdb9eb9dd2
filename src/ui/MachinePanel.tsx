import type { AdapterStatus, RuntimeStatus, SelfTestReport } from '../runtime/status.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './Panel.module.css';
import { ProblemCard } from './ProblemCard.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { adapterName, bytes, TIER_NAMES, TIER_NOTES } from './words.ts';

/** What this machine can do, which way of computing is in use, and what the self-test found. */
export function MachinePanel() {
  const engine = useApp((state) => state.engine);
  if (engine.state === 'starting') return <p>Checking what this machine can do…</p>;
  if (engine.state === 'failed') return <ProblemCard problem={engine.problem} imageId={null} />;
  return <Status status={engine.status} switchingTo={engine.state === 'switching' ? engine.to : null} />;
}

function Status({ status, switchingTo }: { status: RuntimeStatus; switchingTo: string | null }) {
  const store = useAppStore();
  const worksOffline = useApp((state) => state.worksOffline);
  const { adapter, tiers, selfTests, tier, wasmThreads, crossOriginIsolated } = status;
  return (
    <div className={styles.panel}>
      <section>
        <h2>Computing on</h2>
        <ul className={styles.choices}>
          {tiers.map((option) => {
            const used = switchingTo ? switchingTo === option.tier : tier === option.tier;
            return (
              <li key={option.tier}>
                <button
                  type="button"
                  className={styles.choice}
                  aria-pressed={used}
                  disabled={!option.available || switchingTo !== null}
                  onClick={() => !used && store.getState().selectTier(option.tier)}
                >
                  <span className={styles.mark}>
                    {used && (
                      <Icon name={switchingTo ? 'spinner' : 'check'} className={switchingTo ? controls.spinner : ''} />
                    )}
                  </span>
                  <span>
                    <b>{TIER_NAMES[option.tier]}</b>
                    <span className={styles.quiet}>
                      {option.reason ??
                        (option.tier === 'wasm'
                          ? `${TIER_NOTES.wasm} ${wasmThreads === 1 ? 'One thread.' : `${wasmThreads} threads.`}`
                          : TIER_NOTES[option.tier])}
                    </span>
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      </section>
      {adapter ? (
        <Adapter adapter={adapter} />
      ) : (
        <p className={styles.quiet}>This browser offers no GPU to web pages.</p>
      )}
      {!crossOriginIsolated && (
        <p className={styles.quiet}>
          This page is not isolated from others, so the processor works with one thread.{' '}
          {worksOffline
            ? 'Reload it: the app then adds the headers (COOP and COEP) that its host does not send.'
            : 'Its host has to send the headers COOP and COEP.'}
        </p>
      )}
      {worksOffline && (
        <p className={styles.quiet}>G-Refine itself is kept on this machine, too: it starts without a network.</p>
      )}
      {selfTests.map((report) => (
        <SelfTest key={report.tier} report={report} />
      ))}
    </div>
  );
}

function Adapter({ adapter }: { adapter: AdapterStatus }) {
  return (
    <section>
      <h2>GPU</h2>
      <dl className={styles.facts}>
        <dt>Name</dt>
        <dd>{adapterName(adapter) || 'not told by the browser'}</dd>
        <dt>Kind</dt>
        <dd>
          {adapter.isSoftware ? 'Software: computed by the processor, slower than using it directly' : 'Hardware'}
        </dd>
        <dt>16-bit shaders</dt>
        <dd>{adapter.hasF16 ? 'yes' : 'no'}</dd>
        <dt>Largest buffer</dt>
        <dd>{bytes(adapter.maxBufferSize)}</dd>
      </dl>
    </section>
  );
}

function SelfTest({ report }: { report: SelfTestReport }) {
  return (
    <details className={styles.selfTest} open={!report.passed}>
      <summary>
        <span className={classes(styles.verdict, report.passed ? styles.passed : styles.failed)}>
          <Icon name={report.passed ? 'ok' : 'missing'} size={14} />
          Self-test, {TIER_NAMES[report.tier]}: {report.passed ? 'passed' : 'failed'}
        </span>
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Error</th>
            <th scope="col">Allowed</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          {report.checks.map((check) => (
            <tr key={check.name}>
              <th scope="row">{check.name}</th>
              <td>{check.error.toExponential(1)}</td>
              <td>{check.bound.toExponential(1)}</td>
              <td className={check.passed ? styles.passed : styles.failed}>{check.passed ? 'passed' : 'failed'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {report.patches.length > 0 && <p className={styles.quiet}>Corrections in force: {report.patches.join(', ')}</p>}
    </details>
  );
}
