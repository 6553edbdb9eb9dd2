import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { byteRange } from '../../scripts/serve.mjs';
import type { PublishedFile } from '../../src/hub/publishedFile.ts';
import { etagOf, fileOfBytes, gitBlobId, type HubFile, type HubFiles, sha256Of } from './hubFiles.ts';
import { type Misbehaviour, type Rule, Rules } from './misbehaviour.ts';
import { sendBytes } from './sendBytes.ts';

export interface HubServerOptions {
  /** Repositories by `owner/name`. */
  readonly repositories: Readonly<Record<string, HubFiles>>;
  /** 0: any free port. */
  readonly port?: number;
  /** Large files come from another origin (the same server under its number), as the hub's do. */
  readonly hasForeignCdn?: boolean;
  /** Entries on one page of a tree. */
  readonly pageLength?: number;
  /** Repositories that answer only to this token. */
  readonly gated?: Readonly<Record<string, string>>;
}

/** A request as it came in. */
export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly host: string;
  readonly range: string | null;
  readonly authorization: string | null;
}

/** What huggingface.co lets pages of other origins read. */
const EXPOSED =
  'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash';

/**
 * A model hub on this machine, with the routes, redirects and headers of huggingface.co (as seen in 2026) and of
 * raw.githubusercontent.com (below `/raw`), that misbehaves on demand.
 */
export class HubServer {
  readonly rules = new Rules();
  readonly requests: SeenRequest[] = [];
  /** How far into each file, by its path in the repository, answers have come. */
  readonly sentTo = new Map<string, number>();
  readonly #options: HubServerOptions;
  readonly #server: Server;

  private constructor(options: HubServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        console.error(error);
        response.destroy();
      });
    });
  }

  /** Starts a server on this machine alone. */
  static async start(options: HubServerOptions): Promise<HubServer> {
    const hub = new HubServer(options);
    await new Promise<void>((resolve, reject) => {
      hub.#server.once('error', reject);
      hub.#server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return hub;
  }

  /** Without a trailing slash. */
  get endpoint(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** In place of `https://raw.githubusercontent.com`. */
  get rawEndpoint(): string {
    return `${this.endpoint}/raw`;
  }

  /** All files of a repository as a manifest would name them, each at its own path in the model's folder. */
  publishedFiles(repository: string): PublishedFile[] {
    return Object.keys(this.#options.repositories[repository] ?? {}).map((file) => ({
      path: file,
      host: 'hub',
      repository,
      revision: 'main',
      file,
      bytes: null,
      sha256: null,
    }));
  }

  misbehave(rule: Rule): void {
    this.rules.add(rule);
  }

  /** Forgets rules and requests. */
  reset(): void {
    this.rules.clear();
    this.requests.length = 0;
    this.sentTo.clear();
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** The commit that all branches of a repository are at. */
  commitOf(repository: string): string {
    return createHash('sha1').update(repository).digest('hex');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', this.endpoint);
    const path = decodeURIComponent(url.pathname);
    this.requests.push({
      method,
      path: path + url.search,
      host: headers.host ?? '',
      range: headers.range ?? null,
      authorization: headers.authorization ?? null,
    });
    if (method === 'OPTIONS') return this.#preflight(path, request, response);
    if (method !== 'GET' && method !== 'HEAD') return fail(response, 405);
    const wrong = this.rules.strike(path, headers.range);
    if (wrong.status !== undefined) return fail(response, wrong.status, wrong.headers);

    const route = this.#route(path);
    if (typeof route === 'string') return fail(response, 404, { 'X-Error-Code': route });
    const token = this.#options.gated?.[route.repository];
    // What the hub's own pages redirect to is signed instead.
    if (token !== undefined && route.kind !== 'cdn' && headers.authorization !== `Bearer ${token}`) {
      return fail(response, headers.authorization ? 403 : 401, { 'X-Error-Code': 'GatedRepo' });
    }
    if (route.kind === 'tree') return this.#sendTree(route.repository, { url, response, wrong });
    if (route.kind === 'revision') return this.#sendRevision(route.repository, response);
    const file = this.#options.repositories[route.repository]?.[route.path];
    if (!file) return fail(response, 404, { 'X-Error-Code': 'EntryNotFound' });
    if (route.kind === 'resolve') return this.#redirect(route, file, response);
    return this.#sendFile(wrong.replacedBy ?? file, {
      request,
      response,
      wrong,
      isRaw: route.kind === 'raw',
      path: route.path,
    });
  }

  /** The hub answers those who ask beforehand; its delivery network does not. */
  #preflight(path: string, { headers }: IncomingMessage, response: ServerResponse): void {
    const answers = !path.startsWith('/cdn/');
    response.writeHead(answers ? 204 : 403, {
      'Access-Control-Allow-Origin': headers.origin ?? '*',
      'Access-Control-Allow-Methods': 'GET,HEAD',
      'Access-Control-Allow-Headers': headers['access-control-request-headers'] ?? '',
      'Access-Control-Max-Age': 86400,
    });
    response.end();
  }

  /** What a path asks for, or the hub's name for what is wrong with it. */
  #route(path: string): Route | 'RepoNotFound' | 'RevisionNotFound' {
    const patterns: readonly (readonly [Route['kind'], RegExp])[] = [
      ['tree', /^\/api\/models\/([^/]+\/[^/]+)\/tree\/([^/]+)()$/],
      ['revision', /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^/]+)()$/],
      ['small', /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/],
      ['cdn', /^\/cdn\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/],
      ['raw', /^\/raw\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/],
      ['resolve', /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/],
    ];
    for (const [kind, pattern] of patterns) {
      const [, repository = '', revision = '', file = ''] = pattern.exec(path) ?? [];
      if (!this.#options.repositories[repository]) continue;
      const isKnown = revision === 'main' || revision === this.commitOf(repository);
      return isKnown ? { kind, repository, path: file } : 'RevisionNotFound';
    }
    return 'RepoNotFound';
  }

  #sendRevision(repository: string, response: ServerResponse): void {
    response.writeHead(200, { ...CORS, 'Content-Type': 'application/json; charset=utf-8' });
    response.end(
      JSON.stringify({ id: repository, modelId: repository, sha: this.commitOf(repository), private: false }),
    );
  }

  async #sendTree(
    repository: string,
    { url, response, wrong }: { url: URL; response: ServerResponse; wrong: Misbehaviour },
  ): Promise<void> {
    const files = Object.entries(this.#options.repositories[repository] ?? {});
    const length = this.#options.pageLength ?? 1000;
    const first = Number(url.searchParams.get('cursor') ?? 0);
    const entries = files.slice(first, first + length).map(([path, file]) => ({
      type: 'file',
      oid: file.isLarge ? createHash('sha1').update(path).digest('hex') : gitBlobId(file),
      size: file.size,
      ...lfsOf(file),
      path,
    }));
    const headers: Record<string, string> = { ...CORS, 'Content-Type': 'application/json; charset=utf-8' };
    if (first + length < files.length) {
      url.searchParams.set('cursor', String(first + length));
      headers.Link = `<${url.href}>; rel="next"`;
    }
    response.writeHead(200, headers);
    const body = fileOfBytes(new TextEncoder().encode(JSON.stringify(entries)));
    await sendBytes(body, { response, wrong, start: 0, end: body.size });
  }

  #redirect({ repository, path }: Route, file: HubFile, response: ServerResponse): void {
    const commit = this.commitOf(repository);
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    const etag = etagOf(file);
    const cdn = this.#options.hasForeignCdn ? this.endpoint.replace('localhost', '127.0.0.1') : '';
    response.writeHead(file.isLarge ? 302 : 307, {
      ...CORS,
      'X-Repo-Commit': commit,
      'Accept-Ranges': 'bytes',
      ETag: etag,
      ...(file.isLarge ? { 'X-Linked-Size': file.size, 'X-Linked-ETag': etag } : {}),
      Location: file.isLarge
        ? `${cdn}/cdn/${repository}/${commit}/${encoded}?Expires=1`
        : `/api/resolve-cache/models/${repository}/${commit}/${encoded}?etag=${encodeURIComponent(etag)}`,
    });
    response.end();
  }

  async #sendFile(
    file: HubFile,
    { request, response, wrong, isRaw, path }: Answer & { wrong: Misbehaviour; isRaw: boolean; path: string },
  ): Promise<void> {
    const claimedSize = wrong.claimedSize ?? file.size;
    const asked = wrong.ignoresRanges ? null : byteRange(request.headers.range, claimedSize);
    const etag = etagOf(file);
    const headers: Record<string, string | number> = {
      // raw.githubusercontent.com lets pages read nothing but what every page may.
      ...(isRaw ? { 'Access-Control-Allow-Origin': '*' } : CORS),
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Content-Type': 'application/octet-stream',
      'Accept-Ranges': 'bytes',
      ETag: etag,
    };
    if (asked === 'unsatisfiable') {
      response.writeHead(416, { ...headers, 'Content-Range': `bytes */${claimedSize}` });
      return void response.end();
    }
    const { start, end } = asked ?? { start: 0, end: claimedSize - 1 };
    if (asked) headers['Content-Range'] = `bytes ${start}-${end}/${claimedSize}`;
    if (wrong.truncateAt === undefined) headers['Content-Length'] = end + 1 - start;
    response.writeHead(asked ? 206 : 200, headers);
    if (request.method === 'HEAD') return void response.end();
    await sendBytes(file, {
      response,
      wrong,
      start,
      end: Math.min(end + 1, file.size),
      onSent: (offset) => this.sentTo.set(path, Math.max(offset, this.sentTo.get(path) ?? 0)),
    });
  }
}

interface Route {
  readonly kind: 'tree' | 'revision' | 'resolve' | 'small' | 'cdn' | 'raw';
  readonly repository: string;
  readonly path: string;
}

interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': EXPOSED,
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/** What a tree says of a large file's contents. */
function lfsOf(file: HubFile) {
  const oid = file.isLarge ? sha256Of(file) : null;
  return oid === null ? {} : { lfs: { oid, size: file.size, pointerSize: 135 } };
}

function fail(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...CORS, 'Content-Type': 'text/plain; charset=utf-8', ...headers });
  response.end(`Status ${status}`);
}
