/** One tensor of the weights file: int8 rows, each with its own scale. */
export interface QuantisedTensor {
  readonly rows: number;
  readonly columns: number;
  /** Float32 `[rows]`. */
  readonly scales: Float32Array;
  /** Int8 `[rows, columns]`; value = int8 · scale of its row. */
  readonly values: Int8Array;
}

/** The parser's weights and names, as training/parser/export_student.py writes them. */
export interface ParserWeights {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly upos: readonly string[];
  readonly deprels: readonly string[];
  readonly hidden: number;
  readonly arc: number;
  readonly label: number;
  /** Distances beyond this share a bias. */
  readonly reach: number;
  readonly affixRows: number;
  readonly affixes: readonly (readonly [string, number])[];
  readonly tensor: (name: string) => QuantisedTensor;
}

const MAGIC = 'GRPARSER';

/**
 * Reads the weights file. The tables stay int8, so that loading costs little; they are widened row by row when used.
 *
 * @throws TypeError when the bytes are not such a file, or end too early
 */
export function readParserWeights(bytes: Uint8Array): ParserWeights {
  const data = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 12 || asciiOf(data.subarray(0, 8)) !== MAGIC) throw new TypeError('Not a parser weights file');
  const length = view.getUint32(8, true);
  const start = 12 + length;
  if (start > data.length) throw new TypeError('Parser weights file ends inside its header');
  const header = JSON.parse(utf8Of(data.subarray(12, start)));
  if (header.format !== 1) throw new TypeError(`Parser weights of format ${header.format}, expected 1`);
  const tensors = new Map<string, QuantisedTensor>();
  for (const { name, rows, columns, offset } of header.tensors) {
    const at = data.byteOffset + start + offset;
    if (start + offset + rows * (4 + columns) > data.length)
      throw new TypeError(`Parser weights file ends inside "${name}"`);
    tensors.set(name, {
      rows,
      columns,
      scales: new Float32Array(data.buffer, at, rows),
      values: new Int8Array(data.buffer, at + 4 * rows, rows * columns),
    });
  }
  const pieces: string[] = header.pieces.split(' ');
  return {
    vocabulary: new Map(pieces.map((piece, row) => [piece, row])),
    upos: header.upos,
    deprels: header.deprels,
    hidden: header.hidden,
    arc: header.arc,
    label: header.label,
    reach: header.reach,
    affixRows: header.affixRows,
    affixes: header.affixes,
    tensor: (name) => {
      const found = tensors.get(name);
      if (found === undefined) throw new TypeError(`Parser weights have no tensor "${name}"`);
      return found;
    },
  };
}

/** All rows widened to float32 `[rows, columns]`. */
export function widen(tensor: QuantisedTensor): Float32Array {
  const out = new Float32Array(tensor.rows * tensor.columns);
  for (let r = 0, i = 0; r < tensor.rows; r++) {
    const scale = tensor.scales[r] as number;
    for (let c = 0; c < tensor.columns; c++, i++) out[i] = (tensor.values[i] as number) * scale;
  }
  return out;
}

function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** UTF-8 without TextDecoder, which a pure folder does not have; well-formed input, no surrogate pairs needed beyond it. */
function utf8Of(bytes: Uint8Array): string {
  const parts: string[] = [];
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const a = bytes[i++] as number;
    let code = a;
    const more = a < 0x80 ? 0 : a < 0xe0 ? 1 : a < 0xf0 ? 2 : 3;
    if (more > 0) code = a & (0x3f >> more);
    for (let k = 0; k < more; k++) code = (code << 6) | ((bytes[i++] ?? 0x80) & 0x3f);
    text += String.fromCodePoint(code);
    if (text.length > 4096) {
      parts.push(text);
      text = '';
    }
  }
  return parts.join('') + text;
}
