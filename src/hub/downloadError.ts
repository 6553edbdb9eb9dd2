import { UserError } from '../errors.ts';
import type { PublishedFile } from './publishedFile.ts';

/** What of a published file its error messages name. */
export type NamedFile = Pick<PublishedFile, 'path' | 'host' | 'repository' | 'revision' | 'file'>;

/**
 * A published file that cannot be fetched, or is not what was published.
 * @param detail what is wrong and what to do, without a full stop
 */
export function downloadError({ path }: Pick<NamedFile, 'path'>, detail: string, options?: ErrorOptions): UserError {
  return new UserError('DownloadError', `Cannot download "${path}": ${detail}`, options);
}

/** Status codes that mean "later": they are tried again. */
const PASSING_STATUS = new Set([408, 425, 429]);

/** Whether a server that answers so may answer otherwise in a moment. */
export function isPassingStatus(status: number): boolean {
  return PASSING_STATUS.has(status) || status >= 500;
}

/**
 * The error for a status that will not change by asking again.
 * @param found `code`: what the hub's `X-Error-Code` says, where it is shown
 */
export function statusError(
  file: NamedFile,
  { status, code, hasToken }: { status: number; code: string | null; hasToken: boolean },
): UserError {
  const { repository, revision } = file;
  if (status === 401 || status === 403) {
    // Without a code: the hub hides from strangers which private repositories there are.
    const state = code === 'GatedRepo' ? 'is gated' : 'is gated, private or not there';
    return downloadError(
      file,
      hasToken
        ? `${repository} ${state} and refuses the access token given (status ${status}); accept the model's licence on its page with the same account`
        : `${repository} ${state} (status ${status}); accept the model's licence on its page and give an access token`,
    );
  }
  if (status === 404 || status === 410) {
    const missing =
      {
        RepoNotFound: `there is no repository ${repository}`,
        RevisionNotFound: `${repository} has no revision ${revision}`,
      }[code ?? ''] ?? `${repository} has no file "${file.file}" at revision ${revision}`;
    return downloadError(
      file,
      `${missing} (status ${status}); its authors moved or removed it, or the mirror lacks it`,
    );
  }
  return downloadError(file, `the server of ${repository} answered with status ${status}; try again later`);
}

/** The error for a file whose length is not the one that was resolved. */
export function lengthError(file: NamedFile, { found, expected }: { found: number; expected: number }): UserError {
  return downloadError(
    file,
    `the server now has ${found} bytes, expected ${expected}; the file was replaced, or a mirror is out of date: add the model again`,
  );
}
