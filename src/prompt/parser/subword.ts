/** Longest WordPiece in the vocabularies in use; longer stretches need not be looked up. */
const LONGEST_PIECE = 24;
const MOST_PIECES = 8;

/** What the parser reads of one word (training/parser/features.py). */
export interface WordFeatures {
  /** Rows of the piece table, 1 to 8. */
  readonly pieces: readonly number[];
  /** Rows of the affix table, one for each prefix and suffix length. */
  readonly affixes: readonly number[];
  /** Letter case, 0..6: lower, First, UPPER, miXed, digits, digits and letters, other. */
  readonly shape: number;
}

/** Lower case without accents, as MiniLM's uncased vocabulary expects (BERT's BasicTokenizer). */
export function normalise(word: string): string {
  return word
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '');
}

/** WordPiece ids of one syntactic word: split around punctuation, then greedy longest match (Wu et al. 2016). */
export function piecesOf(word: string, vocabulary: ReadonlyMap<string, number>): number[] {
  const unknown = vocabulary.get('[UNK]') ?? 0;
  const ids: number[] = [];
  for (const part of normalise(word).match(/[\p{L}\p{N}]+|[^\p{L}\p{N}\s]/gu) ?? []) {
    const found: number[] = [];
    for (let start = 0; start < part.length; ) {
      let end = Math.min(part.length, start + LONGEST_PIECE);
      let id: number | undefined;
      for (; end > start; end--) {
        id = vocabulary.get(start === 0 ? part.slice(0, end) : `##${part.slice(start, end)}`);
        if (id !== undefined) break;
      }
      if (id === undefined) {
        found.length = 0;
        found.push(unknown);
        break;
      }
      found.push(id);
      start = end;
    }
    ids.push(...found.slice(0, MOST_PIECES));
    if (ids.length >= MOST_PIECES) break;
  }
  return ids.length === 0 ? [unknown] : ids.slice(0, MOST_PIECES);
}

/** Letter case of a word: an index into labels.py's SHAPES. */
export function shapeOf(word: string): number {
  const letters = /\p{L}/u.test(word);
  if (/[0-9]/.test(word)) return letters ? 5 : 4;
  if (!letters) return 6;
  const lower = word.toLowerCase();
  if (word === lower) return 0;
  const [first = '', ...rest] = word;
  if (rest.length > 0 && word === word.toUpperCase()) return 2;
  const tail = rest.join('');
  return first !== first.toLowerCase() && tail === tail.toLowerCase() ? 1 : 3;
}

/** Rows of the affix table: FNV-1a over (which affix, its length, its UTF-16 units). */
export function affixRows(word: string, kinds: readonly (readonly [string, number])[], tableRows: number): number[] {
  const text = normalise(word);
  return kinds.map(([side, length], index) => {
    const part = side === '<' ? text.slice(0, length) : text.slice(-length);
    let hash = mix(mix(2166136261, index), Math.min(text.length, length));
    for (let i = 0; i < part.length; i++) hash = mix(hash, part.charCodeAt(i));
    return hash % tableRows;
  });
}

function mix(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 16777619) >>> 0;
}
