/** A file of the app as it was built. */
export interface ShellFile {
  /** Relative to the app's root, e.g. `assets/index-1a2b.js`. */
  readonly path: string;
  /** `sha256-…` in base64, as for subresource integrity; null: made by the server, whatever it says is right. */
  readonly integrity: string | null;
}

/** One build as kept: the key of each file in the cache. */
type KeptVersion = Readonly<Record<string, string>>;

/** What makes the store. */
export interface ShellStoreOptions {
  /** The app's root, ending in a slash. */
  readonly scope: string;
  /** Security headers for hosts that send none; what a host sends goes before. By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly caches: Pick<CacheStorage, 'open' | 'delete'>;
  readonly fetch: (request: Request) => Promise<Response>;
}

/**
 * The app's own files, kept in the browser to start without a network.
 *
 * A build is fetched as a whole, each file compared with the hash it was built with, and becomes the one that is served only
 * then; what it shares with the one before is kept once. All files are served with the headers of their page: a policy that the
 * host changes holds for workers, too, whatever they were fetched with, and a host that cannot send headers gets the strict ones.
 */
export class ShellStore {
  readonly #options: ShellStoreOptions;
  readonly #cacheName: string;
  #served: Promise<KeptVersion | null> | null = null;

  constructor(options: ShellStoreOptions) {
    this.#options = options;
    // Caches are shared by all apps of a host.
    this.#cacheName = `g-refine ${options.scope}`;
  }

  /**
   * Fetches a build beside the one that is served. What an earlier try has fetched is not fetched again.
   *
   * @throws TypeError a file cannot be fetched, or is another one than was built
   */
  async fetchBuild(files: readonly ShellFile[]): Promise<void> {
    const cache = await this.#open();
    const served = await this.#version();
    const page = await this.#fetch(PAGE);
    const security = pick(page.headers, Object.keys(this.#options.headers));
    const headers = { ...this.#options.headers, ...security };
    const policy = await sha256(new TextEncoder().encode(JSON.stringify(headers)));
    const keys: Record<string, string> = {};
    for (const file of files) {
      // Without a hash from the build, it has to be fetched to be named.
      const made = file.integrity === null ? await this.#fetch(file) : null;
      const hash = file.integrity ?? `sha256-${await sha256(await (made as Response).clone().arrayBuffer())}`;
      const tail = `${encodeURIComponent(hash)}/${file.path}`;
      const key = this.#key(`${encodeURIComponent(policy)}/${tail}`);
      keys[file.path] = key;
      if (await cache.match(key)) continue;
      // The same file under another policy: its bytes are here.
      const before = served?.[file.path];
      const kept = before?.endsWith(`/${tail}`) ? await cache.match(before) : undefined;
      const response = made ?? kept ?? (await this.#fetch(file));
      // Stored as it will be served: browsers keep compiled code beside a response that comes from the cache as it is.
      const own = pick(response.headers, FILE_HEADERS);
      await cache.put(key, new Response(response.body, { headers: { ...own, ...headers } }));
    }
    // The one before may just have taken over and forgotten what it does not serve.
    const stored = new Set((await cache.keys()).map(({ url }) => url));
    const lost = Object.values(keys).find((key) => !stored.has(key));
    if (lost) throw new TypeError(`Cannot keep the app for offline use: "${lost}" was removed meanwhile`);
    await cache.put(this.#key('next'), Response.json(keys satisfies KeptVersion));
  }

  /** Serves the build fetched last, and forgets the one before. */
  async serveFetched(): Promise<void> {
    const cache = await this.#open();
    const next = await cache.match(this.#key('next'));
    if (!next) return;
    await cache.put(this.#key('served'), next.clone());
    await cache.delete(this.#key('next'));
    const version = (await next.json()) as KeptVersion;
    const kept = new Set([this.#key('served'), ...Object.values(version)]);
    for (const { url } of await cache.keys()) if (!kept.has(url)) await cache.delete(url);
    this.#served = null;
  }

  /** The kept file, or the network's where the browser has thrown it away. */
  async answer(request: Request, path: string): Promise<Response> {
    const key = (await this.#version())?.[path];
    const kept = key && (await (await this.#open()).match(key));
    return kept || this.#options.fetch(request);
  }

  #version(): Promise<KeptVersion | null> {
    this.#served ??= this.#open()
      .then((cache) => cache.match(this.#key('served')))
      .then((response) => response?.json() ?? null);
    return this.#served;
  }

  async #fetch({ path, integrity }: ShellFile): Promise<Response> {
    const request = new Request(new URL(path === PAGE.path ? '' : path, this.#options.scope), {
      // What carries a hash in its name never changes; the page has just loaded most of it.
      cache: path.startsWith('assets/') ? 'default' : 'no-cache',
      credentials: 'same-origin',
      ...(integrity === null ? {} : { integrity }),
    });
    const response = await this.#options.fetch(request);
    if (response.status === 200) return response;
    throw new TypeError(`Cannot keep "${path}" for offline use: the server answers ${response.status}`);
  }

  #open(): Promise<Cache> {
    return this.#options.caches.open(this.#cacheName);
  }

  #key(name: string): string {
    return new URL(`~shell/${name}`, this.#options.scope).href;
  }
}

/** The page, whatever its bytes: asked for the headers. */
const PAGE: ShellFile = { path: 'index.html', integrity: null };

/** What a file itself says of its bytes. Its encoding is undone when it is kept. */
const FILE_HEADERS = ['content-type', 'last-modified'];

function pick(headers: Headers, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}

async function sha256(bytes: BufferSource): Promise<string> {
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))));
}
