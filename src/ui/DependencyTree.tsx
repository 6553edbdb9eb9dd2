import { memo, useMemo } from 'react';
import type { ParsedWord } from '../prompt/phrase.ts';
import type { AlignmentResult } from '../quality/qualityResults.ts';
import { classes } from './classes.ts';
import styles from './DependencyTree.module.css';
import { type TreeLayout, treeLayout } from './treeLayout.ts';

/** Height of one level of arcs, in px. */
const LEVEL = 19;
/** Height of a word with its class below the arcs, in px. */
const WORDS = 40;
const FONT = '13px system-ui, sans-serif';

/** The usual relations in plain words; others show their Universal Dependencies name alone. */
const RELATIONS: Readonly<Record<string, string>> = {
  acl: 'describes, as a clause',
  'acl:relcl': 'describes, as a relative clause',
  advcl: 'says when or how, as a clause',
  advmod: 'modifies',
  amod: 'describes',
  aux: 'helps the verb',
  case: 'links',
  cc: 'joins',
  compound: 'names together with',
  conj: 'stands beside',
  cop: 'is',
  det: 'article of',
  flat: 'names together with',
  mark: 'introduces',
  nmod: 'belongs to',
  'nmod:poss': 'owns',
  nsubj: 'does',
  nummod: 'counts',
  obj: 'undergoes',
  obl: 'says where, when or with what',
  punct: 'punctuation',
};

/** The dependency trees of a prompt: arcs from head to dependent, and the same as a table for those who cannot see them. */
export const DependencyTree = memo(function DependencyTree({ alignment }: { alignment: AlignmentResult }) {
  const { sentences = [], phrases } = alignment;
  const statusAt = (word: ParsedWord) =>
    phrases.find(({ phrase }) => phrase.tokens.some(({ start, end }) => start <= word.start && word.end <= end))
      ?.status;
  return (
    <div className={styles.trees} data-testid="dependency-tree">
      {sentences.map((sentence) => (
        <figure key={sentence[0]?.start} className={styles.tree}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide tree scrolls, also by keyboard. */}
          <section className={styles.scroll} tabIndex={0} aria-label="Dependency tree, scrolls sideways">
            <Arcs sentence={sentence} statusAt={statusAt} />
          </section>
          <details className={styles.text}>
            <summary>As text</summary>
            <table>
              <thead>
                <tr>
                  <th scope="col">Word</th>
                  <th scope="col">Class</th>
                  <th scope="col">Relation</th>
                  <th scope="col">To</th>
                </tr>
              </thead>
              <tbody>
                {sentence.map((word) => (
                  <tr key={word.start}>
                    <th scope="row">{word.text}</th>
                    <td>{word.upos}</td>
                    <td>
                      {word.deprel}
                      {RELATIONS[word.deprel] && <span className={styles.gloss}> {RELATIONS[word.deprel]}</span>}
                    </td>
                    <td>{sentence[word.head - 1]?.text ?? '—'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </figure>
      ))}
    </div>
  );
});

function Arcs({
  sentence,
  statusAt,
}: {
  sentence: readonly ParsedWord[];
  statusAt: (word: ParsedWord) => string | undefined;
}) {
  const layout = useMemo(() => treeLayout(sentence, columnWidth), [sentence]);
  const base = layout.levels * LEVEL + 22;
  const words = sentence.map(({ text }) => text).join(' ');
  return (
    <svg
      width={layout.width}
      height={base + WORDS}
      viewBox={`0 0 ${layout.width} ${base + WORDS}`}
      role="img"
      aria-label={`Dependency tree of “${words}”; the table below says the same.`}
    >
      {layout.root >= 0 && (
        <g className={styles.root}>
          <path d={`M${centre(layout, layout.root)} 12V${base - 5}`} />
          <path className={styles.tip} d={tip(centre(layout, layout.root), base)} />
        </g>
      )}
      {layout.arcs.map((arc) => {
        const { from, to, top, path } = arcPath(layout, { ...arc, base });
        return (
          <g key={arc.dependent} className={styles.arc}>
            <path d={path} />
            <path className={styles.tip} d={tip(to, base)} />
            <text x={(from + to) / 2} y={top + 3.5} className={styles.relation}>
              {arc.deprel}
            </text>
          </g>
        );
      })}
      {sentence.map((word, i) => (
        <g key={word.start}>
          <text x={centre(layout, i)} y={base + 14} className={classes(styles.word, styles[statusAt(word) ?? 'none'])}>
            {word.text}
          </text>
          <text x={centre(layout, i)} y={base + 30} className={styles.upos}>
            {word.upos}
          </text>
        </g>
      ))}
    </svg>
  );
}

function centre({ columns }: TreeLayout, i: number): number {
  const column = columns[i];
  return column ? column.x + column.width / 2 : 0;
}

/** Up from the head, across, down to the dependent; heads send their arcs from beside their middle. */
function arcPath(
  layout: TreeLayout,
  { head, dependent, level, base }: { head: number; dependent: number; level: number; base: number },
): { from: number; to: number; top: number; path: string } {
  const side = head < dependent ? 1 : -1;
  const from = centre(layout, head) + side * 5;
  const to = centre(layout, dependent) - side * 1;
  const top = base - level * LEVEL;
  const bend = Math.min(8, Math.abs(to - from) / 2);
  const path = `M${from} ${base}V${top + bend}Q${from} ${top} ${from + side * bend} ${top}H${to - side * bend}Q${to} ${top} ${to} ${top + bend}V${base - 5}`;
  return { from, to, top, path };
}

function tip(x: number, base: number): string {
  return `M${x - 3.5} ${base - 6}L${x} ${base}L${x + 3.5} ${base - 6}Z`;
}

let context: CanvasRenderingContext2D | null = null;

/** Width of a word or its longest label, in px. */
function columnWidth({ text, upos, deprel }: ParsedWord): number {
  context ??= document.createElement('canvas').getContext('2d');
  if (!context) return Math.max(text.length * 8, 44);
  context.font = FONT;
  return Math.max(context.measureText(text).width, upos.length * 7, deprel.length * 5.5, 24);
}
