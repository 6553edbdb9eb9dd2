import type { PackSummary } from '../bridge/protocol.ts';
import styles from './InstalledPacks.module.css';
import { dateWords } from './modelWords.ts';
import { bytes, PRECISIONS } from './words.ts';

/** What a model is, where it came from, and under which licence. */
export function PackDetails({ pack }: { pack: PackSummary }) {
  const { description, origin, licence, precision, byteLength, installedAt, hasLearnedContexts, kind, imageSizes } =
    pack;
  const stored = PRECISIONS.find(({ value }) => value === precision);
  return (
    <dl className={styles.facts}>
      <dt>What it is</dt>
      <dd>{description}</dd>
      {kind === 'maps' && (
        <>
          <dt>Quality words</dt>
          <dd>{hasLearnedContexts ? 'learned' : 'written ones'}</dd>
        </>
      )}
      {imageSizes.length > 0 && (
        <>
          <dt>Reads pictures at</dt>
          <dd>{imageSizes.join(' and ')} px</dd>
        </>
      )}
      <dt>Stored in</dt>
      <dd>
        {stored?.name}: {stored?.note}
      </dd>
      <dt>Size</dt>
      <dd>{bytes(byteLength)}</dd>
      <dt>Came from</dt>
      <dd>
        {origin.from === 'files' ? (
          <>“{origin.name}” on this machine</>
        ) : (
          origin.repositories.map(({ repository, revision }) => (
            <span key={repository} className={styles.repository}>
              {repository} <code title={revision}>{revision.slice(0, 7)}</code>
            </span>
          ))
        )}
      </dd>
      <dt>Licence</dt>
      <dd>
        {licence ? (
          <a href={licence.url} target="_blank" rel="noreferrer">
            {licence.name}
          </a>
        ) : (
          'as its authors say; it came with no word of it'
        )}
      </dd>
      <dt>Installed</dt>
      <dd>{dateWords(installedAt)}</dd>
    </dl>
  );
}
