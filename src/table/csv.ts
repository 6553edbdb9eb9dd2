/**
 * Tables as text, RFC 4180: written for spreadsheets, read as people and programs write them. A file of its own because the
 * types of the usual libraries bring those of Node into the app.
 */

/** Most cells read of one table: a list of prompts for 100,000 images has a few hundred thousand. */
export const MAX_CELLS = 2_000_000;

const BYTE_ORDER_MARK = '\uFEFF';
const SEPARATORS = [',', ';', '\t'] as const;
/** What spreadsheets take for the beginning of a formula, after spaces, too. */
const FORMULA = /^\s*[=+\-@\t\r＝＋－＠]/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** What a cell holds; null: nothing. */
export type Cell = string | number | boolean | null;

/**
 * Rows as text of a table: separated by commas, lines ended by CRLF, quoted where needed, with a byte order mark, without
 * which spreadsheets garble what is not ASCII. A text that a spreadsheet would run as a formula has an apostrophe before it,
 * as OWASP asks ("CSV Injection"); numbers, negative ones too, stay numbers.
 *
 * @throws RangeError a number is not finite
 */
export function writeCsv(rows: readonly (readonly Cell[])[]): string {
  return BYTE_ORDER_MARK + rows.map((row) => `${row.map(writtenCell).join(',')}\r\n`).join('');
}

function writtenCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') {
    if (!Number.isFinite(cell)) throw new RangeError(`A table cannot hold ${cell}`);
    return String(cell);
  }
  if (typeof cell === 'boolean') return String(cell);
  const safe = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
  return /[",;\r\n\t]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Rows of a table as text. The separator is the one of comma, semicolon and tab that the first line has most of; quotes hide
 * separators, line ends and, doubled, quotes; lines end with LF, CRLF or CR. Empty lines are left out. A quote inside a cell
 * that does not begin with one is a quote. Rows may differ in length.
 *
 * @throws SyntaxError a quote is never closed, or there are more than {@link MAX_CELLS}; the message is part of a sentence
 */
export function parseCsv(text: string): string[][] {
  const body = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const separator = separatorOf(body);
  const rows: string[][] = [];
  let row: string[] = [];
  let line = 1;
  let cells = 0;
  let at = 0;
  const endRow = () => {
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  while (at < body.length) {
    const { cell, end } = body[at] === '"' ? quotedCell(body, { at, line }) : plainCell(body, { at, separator });
    for (let i = at; i < end; i++) if (body[i] === '\n') line++;
    row.push(cell);
    if (++cells > MAX_CELLS) throw new SyntaxError(`it has more than ${MAX_CELLS} cells`);
    at = end;
    // What stands between a closing quote and the next separator belongs to no cell.
    while (at < body.length && body[at] !== separator && body[at] !== '\n' && body[at] !== '\r') at++;
    if (body[at] === separator) {
      at++;
      if (at === body.length) row.push('');
      continue;
    }
    if (body[at] === '\r' && body[at + 1] === '\n') at++;
    at++;
    line++;
    endRow();
  }
  if (row.length > 0) endRow();
  return rows;
}

function quotedCell(text: string, { at, line }: { at: number; line: number }): { cell: string; end: number } {
  const pieces: string[] = [];
  for (let from = at + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw new SyntaxError(`the quote that begins in line ${line} is never closed`);
    pieces.push(text.slice(from, quote));
    if (text[quote + 1] !== '"') return { cell: pieces.join('"'), end: quote + 1 };
    from = quote + 2;
  }
}

function plainCell(text: string, { at, separator }: { at: number; separator: string }): { cell: string; end: number } {
  let end = at;
  while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++;
  return { cell: text.slice(at, end), end };
}

/** Counted in the first line, outside quotes. */
function separatorOf(text: string): string {
  const counts = new Map<string, number>(SEPARATORS.map((separator) => [separator, 0]));
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === '\n' || character === '\r') break;
    else if (counts.has(character)) counts.set(character, (counts.get(character) as number) + 1);
  }
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most))[0];
}
