import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** One gold or predicted sentence; heads are 1-based, 0 the root. */
export interface Sentence {
  readonly words: readonly string[];
  readonly upos: readonly string[];
  readonly heads: readonly number[];
  readonly deprels: readonly string[];
}

/** A treebank: its sentences and the raw text they stand in (paragraphs parted by an empty line). */
export interface Treebank {
  readonly sentences: readonly Sentence[];
  readonly text: string;
}

/** Reads a CoNLL-U file, gzipped or not; empty nodes are left out, words of multiword tokens kept. */
export function readTreebank(path: string): Treebank {
  const bytes = readFileSync(path);
  const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n');
  const sentences: Sentence[] = [];
  let text = '';
  let rows: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('#')) {
      if (/^# new(par|doc)/.test(line) && text !== '') text = `${text.trimEnd()}\n\n`;
    } else if (line !== '') rows.push(line.split('\t'));
    else if (rows.length > 0) {
      let inside = 0;
      for (const [id = '', form = '', , , , , , , , misc = ''] of rows) {
        const range = /^(\d+)-(\d+)$/.exec(id);
        if (range !== null) inside = Number(range[2]);
        if (range !== null || (/^\d+$/.test(id) && Number(id) > inside)) {
          text += form + (/SpaceAfter=No/.test(misc) ? '' : ' ');
        }
      }
      const words = rows.filter(([id = '']) => /^\d+$/.test(id));
      const column = (i: number): string[] => words.map((w) => w[i] as string);
      sentences.push({ words: column(1), upos: column(3), heads: column(6).map(Number), deprels: column(7) });
      rows = [];
    }
  }
  return { sentences, text };
}
