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

/** The error for a status that will not change by asking again. */
export function statusError(file: NamedFile, { status, hasToken }: { status: number; hasToken: boolean }): UserError {
  if (status === 401 || status === 403) {
    return downloadError(
      file,
      hasToken
        ? `${file.repository} refuses the access token given (status ${status}); accept the model's licence on its page with the same account, or give a token that may read it`
        : `${file.repository} is gated or private (status ${status}); accept its licence on its page and give an access token`,
    );
  }
  if (status === 404 || status === 410) {
    return downloadError(
      file,
      `${file.repository} has no file "${file.file}" at revision ${file.revision} (status ${status}); it was moved or deleted by its authors, or the mirror lacks it`,
    );
  }
  return downloadError(file, `the server of ${file.repository} answered with status ${status}; try again later`);
}

/** The error for a file whose length is not the one that was resolved. */
export function lengthError(file: NamedFile, { found, expected }: { found: number; expected: number }): UserError {
  return downloadError(
    file,
    `the server now has ${found} bytes, expected ${expected}; the file was replaced, or a mirror is out of date: add the model again`,
  );
}
