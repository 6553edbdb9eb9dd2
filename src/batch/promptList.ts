/**
 * Prompts that lie beside images, for generators that write none into their files:
 * - `prompts.csv` (or `.tsv`): a table with a column for the file (`file`, `file_name`, `filename`, `image`, `path`, `name`) and one for
 *   the prompt (`prompt`, `caption`, `text`, `description`); without such a first line, the first two columns;
 * - `prompts.txt`: a line for each image: its name, a tab, comma, semicolon, colon or bar, and the prompt;
 * - `cat.txt` beside `cat.png`: the prompt, as tools for training have it.
 * Names may lack the extension, and are paths from the list's folder, or bare where only one image below has that name. What
 * lies nearer to the image wins, its own file first.
 */
import { parseCsv } from '../table/csv.ts';

/** A text file with its path among the images. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface FoundPrompts {
  /** Prompts by the image's path. */
  readonly prompts: ReadonlyMap<string, string>;
  /** Sentences for the user: what was read, and what was not understood. */
  readonly notes: readonly string[];
}

/** Longest prompt taken; longer ones are cut, as in the app's prompt field. */
const LONGEST_PROMPT = 20_000;

const FILE_COLUMN = /^(file|file[_ ]?name|image|image[_ ]?(file|name|path)|path|name)$/i;
const PROMPT_COLUMN = /^(prompt|caption|text|description)$/i;
const TABLE = /(^|\/)prompts\.(csv|tsv)$/i;
const LINES = /(^|\/)prompts\.txt$/i;

/** Whether a file may say prompts of images: only such are read. */
export function isPromptFile(path: string, imagePaths: ReadonlySet<string>): boolean {
  if (TABLE.test(path) || LINES.test(path)) return true;
  return /\.txt$/i.test(path) && imagePaths.has(withoutExtension(path));
}

/** Paths of images without their extensions: what {@link isPromptFile} asks for. */
export function pathsWithoutExtension(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.map(withoutExtension));
}

/** Reads all prompts; lists that cannot be read are told in the notes. */
export function findPrompts(imagePaths: readonly string[], files: readonly TextFile[]): FoundPrompts {
  const prompts = new Map<string, string>();
  const notes: string[] = [];
  // Lists from the top down, so that the nearer overwrites.
  const lists = files.filter(({ path }) => TABLE.test(path) || LINES.test(path));
  for (const file of lists.sort((a, b) => depth(a.path) - depth(b.path))) {
    const find = finder(imagePaths, folderOf(file.path));
    let found = 0;
    let unknown = 0;
    try {
      for (const [name, prompt] of TABLE.test(file.path) ? tableRows(file.text) : textRows(file.text)) {
        const path = find(name);
        if (path === null) unknown += 1;
        else {
          prompts.set(path, prompt.slice(0, LONGEST_PROMPT));
          found += 1;
        }
      }
    } catch (error) {
      notes.push(`“${file.path}” is not used: ${(error as Error).message}. Correct it and drop the folder again.`);
      continue;
    }
    notes.push(
      `“${file.path}” has prompts for ${images(found)}${unknown > 0 ? `; ${lines(unknown)} no image here` : ''}.`,
    );
  }
  const beside = new Map(imagePaths.map((path) => [withoutExtension(path), path]));
  let own = 0;
  for (const { path, text } of files) {
    const image = LINES.test(path) || !/\.txt$/i.test(path) ? undefined : beside.get(withoutExtension(path));
    if (image === undefined || text.trim() === '') continue;
    prompts.set(image, text.trim().slice(0, LONGEST_PROMPT));
    own += 1;
  }
  if (own > 0)
    notes.push(
      `${images(own)} ${own === 1 ? 'has' : 'have'} a text file with the prompt beside ${own === 1 ? 'it' : 'them'}.`,
    );
  return { prompts, notes };
}

const images = (count: number) => `${count} ${count === 1 ? 'image' : 'images'}`;
const lines = (count: number) => (count === 1 ? '1 line names' : `${count} lines name`);
const depth = (path: string) => path.split('/').length;
const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const withoutExtension = (path: string) => path.replace(/\.[^./]+$/, '');

/** Names and prompts of a table. @throws SyntaxError as `parseCsv`, or a column is missing */
function tableRows(text: string): [string, string][] {
  const [first = [], ...others] = parseCsv(text);
  const file = first.findIndex((cell) => FILE_COLUMN.test(cell.trim()));
  const prompt = first.findIndex((cell) => PROMPT_COLUMN.test(cell.trim()));
  if (file >= 0 && prompt >= 0) return others.map((row) => [row[file] ?? '', row[prompt] ?? '']);
  if (first.length < 2) throw new SyntaxError('it has one column; needed are one for the file and one for the prompt');
  return [first, ...others].map((row) => [row[0] ?? '', row[1] ?? '']);
}

/** Names and prompts of lines; a name with its extension ends there, any other at the first sign. */
function textRows(text: string): [string, string][] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .flatMap((line): [string, string][] => {
      const parts =
        /^(.+?\.(?:png|apng|jpe?g|jfif|webp|avif|gif|bmp|tiff?|heic|heif|jxl))\s*[\t,;:|]\s*(.*)$/i.exec(line) ??
        /^([^\t,;:|]+)[\t,;:|]\s*(.*)$/.exec(line);
      return parts ? [[parts[1] as string, parts[2] as string]] : [];
    });
}

/** Finds the image that a list in a folder means by a name; null: none, or it could be several. */
function finder(paths: readonly string[], folder: string): (name: string) => string | null {
  const key = (name: string) => name.normalize('NFC').toLowerCase();
  const byName = new Map<string, string | null>();
  const byPath = new Map<string, string | null>();
  const put = (found: Map<string, string | null>, { name, path }: { name: string; path: string }) => {
    const other = found.get(key(name));
    found.set(key(name), other === undefined || other === path ? path : null);
  };
  const below = paths.filter((path) => path.startsWith(folder));
  for (const path of below) {
    for (const name of [nameOf(path), withoutExtension(nameOf(path))]) put(byName, { name, path });
    put(byPath, { name: withoutExtension(path.slice(folder.length)), path });
  }
  // A whole path is never in doubt.
  for (const path of below) byPath.set(key(path.slice(folder.length)), path);
  return (name) => {
    const wanted = key(name.trim().replaceAll('\\', '/').replace(/^\.\//, ''));
    return byPath.get(wanted) ?? byName.get(wanted) ?? null;
  };
}
