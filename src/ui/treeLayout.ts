import type { ParsedWord } from '../prompt/phrase.ts';

/** Where an arc runs: word indices, and how many arcs it must pass above, from 1. */
export interface PlacedArc {
  readonly head: number;
  readonly dependent: number;
  readonly deprel: string;
  readonly level: number;
}

/** A sentence laid out on one line; lengths in px. */
export interface TreeLayout {
  /** Left edge and width of each word's column. */
  readonly columns: readonly { readonly x: number; readonly width: number }[];
  readonly arcs: readonly PlacedArc[];
  readonly root: number;
  readonly levels: number;
  readonly width: number;
}

/** Gap between columns, in px. */
const GAP = 14;

/**
 * Lays a dependency tree out: words side by side, arcs above them, each as low as those below it let it be.
 * @param widthOf of a word's text, in px
 */
export function treeLayout(sentence: readonly ParsedWord[], widthOf: (word: ParsedWord) => number): TreeLayout {
  let x = GAP;
  const columns = sentence.map((word) => {
    const column = { x, width: widthOf(word) };
    x += column.width + GAP;
    return column;
  });
  const arcs = sentence.flatMap(({ head, deprel }, dependent) =>
    head > 0 && head <= sentence.length ? [{ head: head - 1, dependent, deprel }] : [],
  );
  const span = ({ head, dependent }: { head: number; dependent: number }) => Math.abs(head - dependent);
  // Short arcs first: a longer one passes above all it shares a stretch with.
  const heights = new Array<number>(Math.max(0, sentence.length - 1)).fill(0);
  const placed = [...arcs]
    .sort((a, b) => span(a) - span(b) || a.dependent - b.dependent)
    .map((arc) => {
      const from = Math.min(arc.head, arc.dependent);
      const to = Math.max(arc.head, arc.dependent);
      const level = Math.max(0, ...heights.slice(from, to)) + 1;
      heights.fill(level, from, to);
      return { ...arc, level };
    });
  return {
    columns,
    arcs: placed,
    root: sentence.findIndex(({ head }) => head === 0),
    levels: Math.max(0, ...heights),
    width: x,
  };
}
