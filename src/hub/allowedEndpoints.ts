import { UserError } from '../errors.ts';
import { publicUrl } from '../publicUrl.ts';

/** More are no choice any more. */
const MAX_ENDPOINTS = 32;

/**
 * Hubs that this page may fetch models from, without trailing slashes; the first is the default. Whoever serves the app decides
 * (`GREFINE_HUB`, see the README) and the content security policy holds the page to it: a request elsewhere fails.
 *
 * @param url of the list
 * @throws {UserError} `DownloadError`: the list cannot be fetched or is none
 */
export async function allowedEndpoints(url = publicUrl('hub.json')): Promise<readonly string[]> {
  let text: string;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    text = await response.text();
  } catch (error) {
    throw new UserError(
      'DownloadError',
      `Cannot load "${url}", the list of hubs to fetch models from: ${(error as Error).message}. Reload the page, or add a model from files`,
      { cause: error },
    );
  }
  return parseEndpoints(text, url);
}

function parseEndpoints(text: string, url: string): readonly string[] {
  let listed: unknown;
  try {
    listed = (JSON.parse(text) as { hub?: unknown } | null)?.hub;
  } catch {
    // What follows says so.
  }
  const isList =
    Array.isArray(listed) &&
    listed.length > 0 &&
    listed.length <= MAX_ENDPOINTS &&
    listed.every((entry) => typeof entry === 'string' && /^https?:\/\/[^/]/.test(entry) && URL.canParse(entry));
  if (!isList) {
    throw new UserError(
      'DownloadError',
      `"${url}" should be {"hub": ["https://huggingface.co"]} with one to ${MAX_ENDPOINTS} addresses; whoever serves this app has to repair it`,
    );
  }
  return (listed as string[]).map((entry) => entry.replace(/\/+$/, ''));
}
