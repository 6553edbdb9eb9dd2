import type { UserError } from '../errors.ts';
import { isBoundedJson } from '../jsonBounds.ts';
import { downloadError, statusError } from './downloadError.ts';
import { ask, type RequestAccess } from './hubRequest.ts';
import type { HubAccess, PublishedFile } from './publishedFile.ts';

/** What the hub says of one file. */
export interface TreeEntry {
  readonly bytes: number;
  /** In hex; null: it is not kept in LFS. */
  readonly sha256: string | null;
}

/** A repository at one commit. */
export interface HubTree {
  readonly commit: string;
  readonly files: ReadonlyMap<string, TreeEntry>;
}

/** Most files taken: more than any model has, and an end for a server that always has another page. */
const MAX_FILES = 100_000;

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Lists a repository of the hub. The hub's API is asked, not its files one by one: the headers that tell length and SHA-256
 * of a large file are on a redirect, which no page can see. (Its official client is not used: it takes no tokens but the
 * hub's own, and follows the addresses of further pages to wherever they lead.)
 * @param sample a file of it, named in errors
 * @throws {UserError} `DownloadError`
 */
export async function readHubTree(
  sample: PublishedFile,
  { endpoint, token, ...access }: HubAccess & RequestAccess,
): Promise<HubTree> {
  const { repository } = sample;
  const api = `${endpoint}/api/models/${repository}`;
  const get = async (url: string) => {
    const answer = await ask(url, {
      headers: { Accept: 'application/json', ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
      wants: 'text',
      access,
      surrender: (interruption) =>
        downloadError(
          sample,
          `the list of files of ${repository} cannot be read: ${interruption.message}, in ${access.limits.attempts} attempts; check the connection, then try again`,
          { cause: interruption },
        ),
    });
    const { status, headers, text } = answer;
    if (status !== 200) {
      throw statusError(sample, { status, code: headers.get('X-Error-Code'), hasToken: token !== null });
    }
    return { headers, value: parseJson(text, sample) };
  };

  // A branch may move between two questions, a commit cannot.
  const commit = COMMIT.test(sample.revision)
    ? sample.revision
    : readCommit((await get(`${api}/revision/${encodeURIComponent(sample.revision)}`)).value, sample);
  const files = new Map<string, TreeEntry>();
  let query: string | null = '?recursive=true';
  while (query !== null) {
    const { headers, value } = await get(`${api}/tree/${commit}${query}`);
    if (!Array.isArray(value)) throw noList(sample);
    for (const entry of value) addEntry(files, entry, sample);
    // Of the address of the next page only its query: a mirror may name the hub itself, where the token must not go.
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(headers.get('Link') ?? '')?.[1];
    query = next === undefined || value.length === 0 ? null : new URL(next, endpoint).search;
    if (files.size > MAX_FILES) throw noList(sample);
  }
  return { commit, files };
}

function readCommit(value: unknown, sample: PublishedFile): string {
  const { sha } = (value ?? {}) as { sha?: unknown };
  if (typeof sha === 'string' && COMMIT.test(sha)) return sha;
  throw downloadError(
    sample,
    `the server does not tell the commit that ${sample.revision} of ${sample.repository} is at; try another mirror`,
  );
}

function addEntry(files: Map<string, TreeEntry>, value: unknown, sample: PublishedFile): void {
  const { type, path, size, lfs } = (value ?? {}) as Record<string, unknown>;
  if (type !== 'file') return;
  const large = typeof lfs === 'object' && lfs !== null ? (lfs as Record<string, unknown>) : null;
  const bytes = large ? large.size : size;
  const sha256 = large ? large.oid : null;
  const isHash = sha256 === null || (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256));
  if (typeof path !== 'string' || !Number.isSafeInteger(bytes) || (bytes as number) < 0 || !isHash)
    throw noList(sample);
  files.set(path, { bytes: bytes as number, sha256: sha256 as string | null });
}

function parseJson(text: string, sample: PublishedFile): unknown {
  if (!isBoundedJson(text)) throw noList(sample);
  try {
    return JSON.parse(text);
  } catch {
    throw noList(sample);
  }
}

function noList(sample: PublishedFile): UserError {
  return downloadError(
    sample,
    `what the server sent is not the list of files of ${sample.repository}; check the address of the hub, or try another mirror`,
  );
}
