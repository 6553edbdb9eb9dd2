import type { PublishedFile } from '../hub/publishedFile.ts';
import type { BundleManifest, BundleModel, Licence } from './bundle.ts';

const KINDS: readonly BundleModel['kind'][] = ['maps', 'inpainting', 'restoration'];
const PRECISIONS: readonly BundleModel['precision'][] = ['fp32', 'fp16', 'q8', 'q4'];
const HOSTS: readonly PublishedFile['host'][] = ['hub', 'github'];

/**
 * Reads a bundle's manifest (ARCHITECTURE.md, "Bundles"). Files stand below their repository, once for all of them; what is
 * not known of a file is null or left out.
 * @throws {TypeError} naming the member that is missing or wrong, e.g. `models[0].from[1].revision`
 */
export function readBundle(json: unknown): BundleManifest {
  const bundle = new Member(json, 'bundle');
  return {
    id: bundle.text('id', /^[a-z0-9-]+$/),
    name: bundle.text('name'),
    purpose: bundle.text('purpose'),
    vramBytes: bundle.count('vramBytes'),
    models: bundle.list('models').map(readModel),
  };
}

function readModel(model: Member): BundleModel {
  const files = model.list('from').flatMap(readRepository);
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size !== files.length) throw new TypeError(`${model.path}.from has two files of one path`);
  return {
    kind: model.oneOf('kind', KINDS),
    name: model.text('name'),
    homepage: model.text('homepage', HTTPS),
    licence: readLicence(model.member('licence')),
    furtherLicences: model.list('furtherLicences').map(readLicence),
    precision: model.oneOf('precision', PRECISIONS),
    diskBytes: model.orNull('diskBytes', () => model.count('diskBytes')),
    files,
  };
}

function readLicence(licence: Member): Licence {
  return { name: licence.text('name'), url: licence.text('url', HTTPS) };
}

function readRepository(repository: Member): PublishedFile[] {
  const published = {
    host: repository.oneOf('host', HOSTS),
    repository: repository.text('repository', /^[\w.-]+\/[\w.-]+$/),
    revision: repository.text('revision', /^([0-9a-f]{40}|main)$/),
  };
  const folder = repository.orNull('folder', () => repository.text('folder', PATH));
  return repository.list('files').map((file) => {
    const path = file.text('path', PATH);
    const inFolder = file.orNull('file', () => file.text('file', PATH)) ?? path;
    return {
      path,
      ...published,
      file: folder === null ? inFolder : `${folder}/${inFolder}`,
      bytes: file.orNull('bytes', () => file.count('bytes')),
      sha256: file.orNull('sha256', () => file.text('sha256', /^[0-9a-f]{64}$/)),
      ...(file.orNull('optional', () => file.oneOf('optional', [true])) && { optional: true as const }),
    };
  });
}

const HTTPS = /^https:\/\/./;
/** Relative, with `/`, and nowhere up. */
const PATH = /^(?!.*(^|\/)\.\.?(\/|$))[\w.-]+(\/[\w.-]+)*$/;

/** A member of the manifest being read, and where it stands. */
class Member {
  readonly path: string;
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new TypeError(`${path} is no object`);
    this.path = path;
    this.#value = value as Record<string, unknown>;
  }

  member(name: string): Member {
    return new Member(this.#value[name], `${this.path}.${name}`);
  }

  list(name: string): Member[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) throw new TypeError(`${this.path}.${name} is no list`);
    return value.map((item, i) => new Member(item, `${this.path}.${name}[${i}]`));
  }

  text(name: string, pattern = /./): string {
    const value = this.#value[name];
    if (typeof value !== 'string' || !pattern.test(value)) throw this.#wrong(name, `text like ${pattern}`);
    return value;
  }

  count(name: string): number {
    const value = this.#value[name];
    if (!Number.isSafeInteger(value) || (value as number) <= 0) throw this.#wrong(name, 'a positive integer');
    return value as number;
  }

  oneOf<T>(name: string, values: readonly T[]): T {
    const value = this.#value[name] as T;
    if (!values.includes(value)) throw this.#wrong(name, `one of ${values.join(', ')}`);
    return value;
  }

  orNull<T>(name: string, read: () => T): T | null {
    return (this.#value[name] ?? null) === null ? null : read();
  }

  #wrong(name: string, expected: string): TypeError {
    return new TypeError(`${this.path}.${name} is ${JSON.stringify(this.#value[name])}, expected ${expected}`);
  }
}
