/** Where models may be fetched from, as whoever serves the app decides. */
import { readFileSync } from 'node:fs';

/** The hub's endpoints that a build names; a host with others in mind changes `hub.json` and the policy together. */
export const DEFAULT_HUB = JSON.parse(readFileSync(new URL('../public/hub.json', import.meta.url), 'utf8')).hub;

/** The hub sends whoever downloads a large file on to one of these (https://huggingface.co/.well-known/meta.json). */
const STORAGE_OF = { 'https://huggingface.co': ['https://*.huggingface.co', 'https://*.hf.co'] };

/** The quality contexts are published here, on no hub. */
const PUBLISHED_CONTEXTS = 'https://raw.githubusercontent.com';

/**
 * Reads `GREFINE_HUB`: addresses of hubs, separated by commas, that stand in for the default one; the first is asked unless
 * the user chooses. A mirror that sends downloads on to other hosts lists these, too.
 * @param {string | undefined} text
 * @returns {string[]} without trailing slashes
 * @throws Error naming the address and what is wrong with it
 */
export function hubEndpoints(text) {
  if (text === undefined || text.trim() === '') return DEFAULT_HUB;
  const given = text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  return [...new Set(given.map(endpoint))];
}

function endpoint(text) {
  const refuse = (reason) => {
    throw new Error(
      `GREFINE_HUB names "${text}", ${reason}. Give addresses like https://mirror.example, with commas between.`,
    );
  };
  if (!URL.canParse(text)) return refuse('which is not an address');
  const url = new URL(text);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)) {
    return refuse('which is neither https nor on this machine');
  }
  if (url.username || url.password)
    return refuse('which holds a name or a password: the page asks for a token instead');
  if (url.search || url.hash) return refuse('which has a query or a fragment');
  // It becomes part of a header, where these would end the directive or the policy.
  if (/[*;,'"\s]/.test(url.host)) return refuse('whose host is no plain name');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Sources for the policy's `connect-src`: the endpoints' origins, and the hosts that they send downloads on to. */
export function connectSources(endpoints) {
  const origins = endpoints.map((address) => new URL(address).origin);
  return [...new Set([...origins.flatMap((origin) => [origin, ...(STORAGE_OF[origin] ?? [])]), PUBLISHED_CONTEXTS])];
}
