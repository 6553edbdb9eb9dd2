/**
 * The browser's private file system in memory, for tests in Node: as much of it as packs need, with the faults of real ones.
 */

/** Stops everything as a closed tab does: no error handler gets to write any more. */
export class TabClosed extends Error {}

/** What all files of a file system share. */
export class MemoryDisk {
  /** Bytes that may be stored in all; writing more fails as a full disk does. */
  quota = Number.POSITIVE_INFINITY;
  /** Writes until the tab is closed; null: it stays open. */
  writesLeft: number | null = null;
  /** Changes bytes on their way to the disk. */
  corrupt: ((name: string, bytes: Uint8Array, at: number) => void) | null = null;
  /** Called with the name of a file whose bytes are brought onto the disk, and how many it has. */
  onFlush: ((name: string, byteLength: number) => void) | null = null;
  /** Called before the bytes of a file that was asked for are read. */
  onRead: (() => Promise<void>) | null = null;
  /** Bytes stored. */
  used = 0;
  /** Reads of files, in order. */
  readonly reads: { readonly name: string; readonly start: number; readonly end: number }[] = [];
  readonly root = new MemoryDirectory('', this);

  /** Takes note of a write; throws where the tab is closed, and says how many bytes still fit. */
  admit(growth: number): number {
    if (this.writesLeft !== null && this.writesLeft-- <= 0) throw new TabClosed('The tab was closed');
    const fits = Math.max(0, Math.min(growth, this.quota - this.used));
    this.used += fits;
    return fits;
  }
}

const notFound = (name: string) => new DOMException(`There is no "${name}"`, 'NotFoundError');

class MemoryFile {
  readonly kind = 'file';
  readonly name: string;
  readonly #disk: MemoryDisk;
  bytes = new Uint8Array(0);
  /** How often the file was replaced. */
  #version = 0;
  #isLocked = false;

  constructor(name: string, disk: MemoryDisk) {
    this.name = name;
    this.#disk = disk;
  }

  async getFile(): Promise<File> {
    const version = this.#version;
    const checkCurrent = async () => {
      await this.#disk.onRead?.();
      if (this.#version !== version) throw new DOMException(`"${this.name}" was changed`, 'NotReadableError');
    };
    return new FileAsItWas([this.bytes], this.name, checkCurrent);
  }

  async createWritable() {
    const pieces: BlobPart[] = [];
    return {
      write: async (piece: BlobPart) => void pieces.push(piece),
      close: async () => {
        const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
        const growth = bytes.byteLength - this.bytes.byteLength;
        if (this.#disk.admit(growth) < growth) throw new DOMException('The disk is full', 'QuotaExceededError');
        this.#disk.corrupt?.(this.name, bytes, 0);
        this.bytes = bytes;
        this.#version++;
      },
      abort: async () => {},
    };
  }

  async createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle> {
    if (this.#isLocked) throw new DOMException(`"${this.name}" is open`, 'NoModificationAllowedError');
    this.#isLocked = true;
    return {
      write: (buffer, { at = 0 } = {}) => {
        const bytes = viewOf(buffer).slice();
        const growth = Math.max(0, at + bytes.byteLength - this.bytes.byteLength);
        const written = bytes.byteLength - (growth - this.#disk.admit(growth));
        this.#disk.corrupt?.(this.name, bytes, at);
        this.#resize(Math.max(this.bytes.byteLength, at + written));
        this.bytes.set(bytes.subarray(0, written), at);
        return written;
      },
      read: (buffer, { at = 0 } = {}) => {
        const target = viewOf(buffer);
        const found = this.bytes.subarray(at, at + target.byteLength);
        this.#disk.reads.push({ name: this.name, start: at, end: at + found.byteLength });
        target.set(found);
        return found.byteLength;
      },
      truncate: (size) => {
        this.#disk.used += size - this.bytes.byteLength;
        this.#resize(size);
      },
      flush: () => this.#disk.onFlush?.(this.name, this.bytes.byteLength),
      close: () => {
        this.#isLocked = false;
      },
      getSize: () => this.bytes.byteLength,
    };
  }

  #resize(size: number): void {
    if (size === this.bytes.byteLength) return;
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, size));
    this.bytes = bytes;
  }
}

/** What `getFile` gives: once the file was replaced, it cannot be read any more (File API, "snapshot state"). */
class FileAsItWas extends File {
  readonly #checkCurrent: () => Promise<void>;

  constructor(parts: BlobPart[], name: string, checkCurrent: () => Promise<void>) {
    super(parts, name);
    this.#checkCurrent = checkCurrent;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    await this.#checkCurrent();
    return super.arrayBuffer();
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }
}

/** A folder; hand its `handle` to whoever wants a FileSystemDirectoryHandle. */
export class MemoryDirectory {
  readonly kind = 'directory';
  readonly name: string;
  readonly children = new Map<string, MemoryDirectory | MemoryFile>();
  readonly #disk: MemoryDisk;

  constructor(name: string, disk: MemoryDisk) {
    this.name = name;
    this.#disk = disk;
  }

  /** Itself, by the type of the real thing. */
  get handle(): FileSystemDirectoryHandle {
    return this as unknown as FileSystemDirectoryHandle;
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryDirectory> {
    const child = this.children.get(name) ?? (create ? new MemoryDirectory(name, this.#disk) : null);
    if (!(child instanceof MemoryDirectory)) throw notFound(name);
    this.children.set(name, child);
    return child;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    if (name.includes('/')) throw new TypeError('Name is not allowed.');
    const child = this.children.get(name) ?? (create ? new MemoryFile(name, this.#disk) : null);
    if (!(child instanceof MemoryFile)) throw notFound(name);
    this.children.set(name, child);
    return child;
  }

  async removeEntry(name: string, _options?: { recursive?: boolean }): Promise<void> {
    const child = this.children.get(name);
    if (!child) throw notFound(name);
    this.#disk.admit(0);
    this.#disk.used -= bytesOf(child);
    this.children.delete(name);
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.children.keys()];
  }

  async *values(): AsyncGenerator<MemoryDirectory | MemoryFile> {
    yield* [...this.children.values()];
  }

  /** Contents of all its files, by path. */
  contents(prefix = ''): Map<string, Uint8Array<ArrayBuffer>> {
    const found = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const [name, child] of this.children) {
      if (child instanceof MemoryFile) found.set(prefix + name, child.bytes);
      else for (const [path, bytes] of child.contents(`${prefix}${name}/`)) found.set(path, bytes);
    }
    return found;
  }

  /** Writes a file past everything, as a failing disk or another program would. */
  put(path: string, bytes: Uint8Array<ArrayBuffer>): void {
    const [first = '', ...rest] = path.split('/');
    if (rest.length === 0) {
      const file = new MemoryFile(first, this.#disk);
      file.bytes = bytes;
      this.children.set(first, file);
      return;
    }
    const child = this.children.get(first) ?? new MemoryDirectory(first, this.#disk);
    this.children.set(first, child);
    (child as MemoryDirectory).put(rest.join('/'), bytes);
  }
}

function bytesOf(child: MemoryDirectory | MemoryFile): number {
  if (child instanceof MemoryFile) return child.bytes.byteLength;
  return [...child.contents().values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function viewOf(buffer: BufferSource): Uint8Array {
  return ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
}
