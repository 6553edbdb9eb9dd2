/** Serves the built app on this machine with the headers it needs. Used by `npm start` and by the browser tests. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectSources, DEFAULT_HUB, hubEndpoints } from './hubEndpoints.mjs';

/**
 * Strict: no inline script or style, no eval but WebAssembly's, no script from a string or another host, no connection but to
 * this server and the models' hubs.
 */
export function contentSecurityPolicy(hub = DEFAULT_HUB) {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "font-src 'self'",
    "manifest-src 'self'",
    `connect-src 'self' blob: data: ${connectSources(hub).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Only `src/trustedTypes.ts` decides what becomes a script.
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ');
}

/** COOP and COEP make the page cross-origin isolated: WebAssembly threads need that. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** The headers of every answer. Whoever serves the app otherwise sends these, too. */
export function securityHeaders(hub = DEFAULT_HUB) {
  return {
    ...ISOLATION_HEADERS,
    'Content-Security-Policy': contentSecurityPolicy(hub),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
}

const MIME_TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
};

/**
 * Starts a server for the files below `root`, on this machine only.
 * @param {{ root: string, port: number, tries?: number, hub?: string[] }} options `port` 0: any free one; a busy port is followed by
 *   the next, `tries` times; `hub`: where models may be fetched from
 * @returns {Promise<{ port: number, address: string, close: () => Promise<void> }>}
 */
export async function serve({ root, port, tries = 20, hub = DEFAULT_HUB }) {
  const site = { root: resolve(root), hub, security: securityHeaders(hub) };
  const server = createServer((request, response) => {
    answer(site, request, response).catch((error) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500, site.security);
      response.end();
    });
  });
  const bound = await listen(server, port, tries);
  return {
    port: bound,
    address: `http://localhost:${bound}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function listen(server, port, tries) {
  return new Promise((done, fail) => {
    server.once('error', (error) => {
      if (error.code === 'EADDRINUSE' && tries > 0) done(listen(server, port + 1, tries - 1));
      else fail(error);
    });
    server.listen(port, 'localhost', () => done(server.address().port));
  });
}

/** The first of `count` ports in a row, from 4273 on, that nobody listens on. */
export async function freePort(count, from = 4273) {
  const taken = [];
  for (let port = from; port < from + count; port++) {
    const server = createServer();
    await listen(server, port, 0).catch(() => taken.push(port));
    await new Promise((done) => server.close(done));
  }
  return taken.length === 0 ? from : freePort(count, taken.at(-1) + 1);
}

async function answer(site, request, response) {
  const { root, security } = site;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { ...security, Allow: 'GET, HEAD' });
    return response.end();
  }
  const path = filePath(root, request.url ?? '/');
  const info = path && (await stat(path).catch(() => null));
  if (!info?.isFile()) {
    response.writeHead(404, { ...security, 'Content-Type': 'text/plain; charset=utf-8' });
    return response.end('Not found');
  }
  const text = await configured(site, path);
  const size = text === null ? info.size : Buffer.byteLength(text);
  const headers = {
    ...security,
    'Content-Type': MIME_TYPES[extname(path)] ?? 'application/octet-stream',
    'Accept-Ranges': 'bytes',
    // Built assets carry a hash in their name; everything else may change with the next build.
    'Cache-Control': relative(root, path).startsWith(`assets${sep}`)
      ? 'public, max-age=31536000, immutable'
      : 'no-cache',
    'Last-Modified': info.mtime.toUTCString(),
  };
  const range = text === null ? byteRange(request.headers.range, size) : null;
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...security, 'Content-Range': `bytes */${size}` });
    return response.end();
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) headers['Content-Range'] = `bytes ${start}-${end}/${size}`;
  response.writeHead(range ? 206 : 200, { ...headers, 'Content-Length': end - start + 1 });
  if (request.method === 'HEAD' || size === 0) return response.end();
  if (text !== null) return response.end(text);
  createReadStream(path, { start, end })
    .on('error', () => response.destroy())
    .pipe(response);
}

/** What a file says on a server whose hub is not the default one; null: what was built. */
async function configured({ root, hub, security }, path) {
  if (hub.join() === DEFAULT_HUB.join()) return null;
  if (path === join(root, 'hub.json')) return JSON.stringify({ hub });
  // Pages kept for offline use are kept with their headers: another policy has to look like another build.
  if (path === join(root, 'sw.js')) {
    return `${await readFile(path, 'utf8')}\n// ${security['Content-Security-Policy']}\n`;
  }
  return null;
}

/** The file a URL asks for, or null where it would lie outside `root`. */
export function filePath(root, url) {
  let path;
  try {
    path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return null;
  }
  if (path.includes('\0')) return null;
  const file = join(root, normalize(path.endsWith('/') ? `${path}index.html` : path));
  return file.startsWith(root + sep) ? file : null;
}

/** One range of an HTTP Range header; null: none asked for or one we may ignore, the whole file is sent. */
export function byteRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [root = 'dist', port = '4173'] = process.argv.slice(2);
  const hub = hubEndpoints(process.env.GREFINE_HUB);
  const { address } = await serve({ root, port: Number(port), tries: 0, hub });
  console.log(address);
}
