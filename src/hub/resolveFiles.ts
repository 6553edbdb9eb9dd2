import { publicUrl } from '../publicUrl.ts';
import { downloadError, lengthError, statusError } from './downloadError.ts';
import { ask, type RequestAccess } from './hubRequest.ts';
import { type HubTree, readHubTree } from './hubTree.ts';
import type { HubAccess, PublishedFile, ResolvedFile } from './publishedFile.ts';
import { DEFAULT_LIMITS, type TransferLimits } from './transferLimits.ts';

/** Where GitHub serves the files of repositories. */
export const GITHUB_FILES = 'https://raw.githubusercontent.com';

export interface ResolveAccess extends HubAccess {
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<TransferLimits>;
  /** In place of {@link GITHUB_FILES}. */
  readonly githubFiles?: string;
  /** In place of the address the app is served from, with a trailing slash. */
  readonly appFiles?: string;
}

/**
 * Asks the hosts of published files for what has to be known before they are fetched: commit, length, SHA-256 where there is
 * one, and an address. Nothing of the files is read. Optional files that are missing are left out; the order stays.
 * @throws {UserError} `DownloadError`: a file is missing or not the one that was meant, a host cannot be reached or refuses;
 *   the signal's reason
 */
export async function resolveFiles(files: readonly PublishedFile[], access: ResolveAccess): Promise<ResolvedFile[]> {
  const request: RequestAccess = {
    fetch: access.fetch ?? globalThis.fetch.bind(globalThis),
    signal: access.signal ?? new AbortController().signal,
    limits: { ...DEFAULT_LIMITS, ...access.limits },
  };
  const { endpoint, token } = access;
  const trees = new Map<string, Promise<HubTree>>();
  const resolve = async (file: PublishedFile): Promise<ResolvedFile | null> => {
    if (file.host === 'app') return resolveApp(file, access.appFiles ?? publicUrl(''));
    if (file.host === 'github') return resolveGithub(file, access.githubFiles ?? GITHUB_FILES, request);
    const key = `${file.repository}@${file.revision}`;
    const tree = trees.get(key) ?? readHubTree(file, { endpoint, token, ...request });
    trees.set(key, tree);
    return resolveHub(file, await tree, endpoint);
  };
  const resolved = await Promise.all(files.map(resolve));
  const missing = files.filter((file, i) => resolved[i] === null && !file.optional);
  const [first] = missing;
  if (first) throw missingError(first, missing);
  return resolved.filter((file) => file !== null);
}

function resolveHub(file: PublishedFile, { commit, files }: HubTree, endpoint: string): ResolvedFile | null {
  const entry = files.get(file.file);
  if (!entry) return null;
  checkLength(file, entry.bytes);
  if (file.sha256 !== null && entry.sha256 !== null && file.sha256 !== entry.sha256) {
    throw downloadError(
      file,
      `its SHA-256 at ${file.repository} is ${entry.sha256}, expected ${file.sha256}; its authors or a mirror replaced it, so it is not the file this app was made for`,
    );
  }
  return {
    ...file,
    revision: commit,
    bytes: entry.bytes,
    sha256: entry.sha256 ?? file.sha256,
    url: `${endpoint}/${file.repository}/resolve/${commit}/${encodePath(file.file)}`,
  };
}

/** The build has written down what its own files are: nobody is asked. */
function resolveApp(file: PublishedFile, appFiles: string): ResolvedFile {
  const { bytes, sha256 } = file;
  if (bytes === null || sha256 === null) {
    throw downloadError(file, 'the app does not say what it should be; reload the page to get the present version');
  }
  return { ...file, bytes, url: appFiles + encodePath(file.file) };
}

/**
 * GitHub lets pages read the length of an answer, not the headers on ranges: the whole file is asked for and its length
 * taken. A range is asked for because without one the answer would be compressed, and its length another.
 */
async function resolveGithub(
  file: PublishedFile,
  endpoint: string,
  access: RequestAccess,
): Promise<ResolvedFile | null> {
  const url = `${endpoint}/${file.repository}/${encodeURIComponent(file.revision)}/${encodePath(file.file)}`;
  const { status, headers } = await ask(url, {
    headers: { Range: 'bytes=0-' },
    wants: 'headers',
    access,
    surrender: (interruption) =>
      downloadError(
        file,
        `${file.repository} on GitHub cannot be asked for it: ${interruption.message}, in ${access.limits.attempts} attempts; check the connection, then try again`,
        { cause: interruption },
      ),
  });
  if (status === 404) return null;
  if (status !== 200 && status !== 206) throw statusError(file, { status, code: null, hasToken: false });
  const length = headers.get('Content-Length');
  const bytes = length === null ? file.bytes : Number(length);
  if (bytes === null || !Number.isSafeInteger(bytes)) {
    throw downloadError(file, `${file.repository} on GitHub does not tell its length; try again later`);
  }
  checkLength(file, bytes);
  return { ...file, bytes, url };
}

function checkLength(file: PublishedFile, bytes: number): void {
  if (file.bytes !== null && file.bytes !== bytes) throw lengthError(file, { found: bytes, expected: file.bytes });
}

function missingError(first: PublishedFile, missing: readonly PublishedFile[]): Error {
  const named = missing.slice(0, 3).map(({ repository, file }) => `"${file}" of ${repository}`);
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  const revisions = [...new Set(missing.map(({ revision }) => revision))].join(', ');
  return downloadError(
    first,
    `${missing.length === 1 ? 'there is no' : 'there are no'} ${named.join(', ')}${more} at revision ${revisions}; their authors moved or removed them, or the mirror lacks them`,
  );
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
