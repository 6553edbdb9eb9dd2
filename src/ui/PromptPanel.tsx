import { type KeyboardEvent, memo, type PointerEvent, useEffect, useRef, useState } from 'react';
import type { RefineResult } from '../pipeline/refinement.ts';
import type { AlignmentResult } from '../quality/qualityResults.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { DependencyTree } from './DependencyTree.tsx';
import { Hint } from './Hint.tsx';
import { Icon } from './Icon.tsx';
import { PhraseIcon } from './PhraseIcon.tsx';
import styles from './PromptPanel.module.css';
import { type PromptSegment, promptSegments } from './promptSegments.ts';
import { emphasisedPieces } from './refineWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { PHRASE_STATUS_NAMES, percent, phraseFound, sourceWords } from './words.ts';

/** The prompt as typed, its phrases marked by what became of them; editable. */
export const PromptPanel = memo(function PromptPanel({
  image,
  result,
}: {
  image: ImageItem;
  /** The result shown, of which is told what it was painted with; null: none is. */
  result: RefineResult | null;
}) {
  const store = useAppStore();
  const [editing, setEditing] = useState(false);
  const [treeShown, setTreeShown] = useState(false);
  const { id, prompt, alignment, alignmentPrompt, opened, job } = image;
  const metadata = opened?.metadata;
  const known =
    job.state === 'analysing' && !job.again ? job.prompt : job.state === 'waiting' ? prompt : alignmentPrompt;
  const changed = known !== null && known !== prompt;
  const marked = !editing && alignment !== null && alignmentPrompt === prompt;
  const hasTree = marked && (alignment.sentences?.length ?? 0) > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another image is shown as read, not as being edited.
  useEffect(() => setEditing(false), [id]);

  const commit = () => {
    setEditing(false);
    if (changed || known === null) store.getState().analyse(id);
  };

  return (
    <section className={classes(styles.panel, hasTree && treeShown && styles.tall)} aria-label="Prompt">
      <div className={styles.header}>
        <h2>Prompt</h2>
        {metadata && (
          <span className={styles.source}>
            {metadata.prompt === prompt ? 'from' : 'edited, was from'} {sourceWords(metadata.source)}
          </span>
        )}
        {metadata && metadata.prompt !== prompt && metadata.prompt !== '' && (
          <button
            type="button"
            className={classes(controls.link, controls.small)}
            onClick={() => store.getState().setPrompt(id, metadata.prompt)}
          >
            Take the file's again
          </button>
        )}
        {marked && <Ancestor alignment={alignment} />}
        <span className={styles.actions}>
          {hasTree && (
            <button
              type="button"
              className={classes(controls.button, controls.quiet, treeShown && styles.pressed)}
              onClick={() => setTreeShown(!treeShown)}
              aria-pressed={treeShown}
              data-action="show-tree"
            >
              <Icon name="tree" /> Grammar
            </button>
          )}
          {marked && (
            <button
              type="button"
              className={classes(controls.button, controls.quiet)}
              onClick={() => setEditing(true)}
              aria-keyshortcuts="E"
              data-action="edit-prompt"
            >
              <Icon name="edit" /> Edit
            </button>
          )}
          {!marked && opened && (changed || known === null || editing) && (
            <button type="button" className={classes(controls.button, changed && controls.primary)} onClick={commit}>
              {changed || known === null ? 'Analyse' : 'Done'} <kbd className={styles.enter}>⏎</kbd>
            </button>
          )}
        </span>
      </div>
      {marked ? (
        <>
          <MarkedPrompt image={image} segments={promptSegments(prompt, alignment.phrases)} />
          {hasTree && treeShown && <DependencyTree alignment={alignment} />}
        </>
      ) : (
        <PromptEditor
          value={prompt}
          focused={editing}
          onChange={(text) => store.getState().setPrompt(id, text)}
          onFocus={() => setEditing(true)}
          onCommit={commit}
          onLeave={() => setEditing(false)}
        />
      )}
      {result && <PaintedPrompt result={result} />}
      {metadata?.negativePrompt && (
        <p className={styles.negative}>
          <b>Negative</b> {metadata.negativePrompt}
        </p>
      )}
    </section>
  );
});

/** What a result was painted with: the prompt, in which what was missing is stressed, or for each region what belongs there. */
function PaintedPrompt({ result: { emphasisedPrompt, regions } }: { result: RefineResult }) {
  const repainted = regions.filter(({ stage }) => stage === 'inpaint');
  if (repainted.length > 0 && repainted.every(({ text }) => text !== undefined)) {
    return <p className={styles.negative}>Each region was painted with what belongs there: the repairs tell it.</p>;
  }
  const pieces = emphasisedPieces(emphasisedPrompt);
  if (!pieces.some(({ weight }) => weight !== 1)) {
    return <p className={styles.negative}>Painted with the prompt as it is: no phrase had to be stressed.</p>;
  }
  return (
    <p className={styles.painted} data-testid="painted-prompt">
      <b>Painted with</b>{' '}
      {pieces.map(({ text, weight }, i) =>
        weight === 1 ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never change places.
          <span key={i}>{text}</span>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above.
          <mark key={i}>
            {text} <span className={styles.weight}>×{weight.toFixed(2)}</span>
          </mark>
        ),
      )}
    </p>
  );
}

function PromptEditor({
  value,
  focused,
  onChange,
  onFocus,
  onCommit,
  onLeave,
}: {
  value: string;
  focused: boolean;
  onChange: (text: string) => void;
  onFocus: () => void;
  onCommit: () => void;
  onLeave: () => void;
}) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const element = field.current;
    if (!focused || !element || document.activeElement === element) return;
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
  }, [focused]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      onCommit();
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      field.current?.blur();
      onLeave();
    }
  };
  return (
    <textarea
      ref={field}
      className={styles.editor}
      data-action="prompt"
      value={value}
      rows={3}
      aria-label="Prompt. Enter analyses, Shift and Enter make a new line."
      placeholder="What was the picture asked to show? Without a prompt only its quality is measured."
      spellCheck={false}
      onChange={(event) => onChange(event.target.value)}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
    />
  );
}

/** Where the phrase pointed at hangs: there the picture would be repaired if it were missing. */
function Ancestor({ alignment }: { alignment: AlignmentResult }) {
  const shown = useApp((state) => state.hoveredPhrase ?? state.pinnedPhrase);
  const phrase = shown === null ? undefined : alignment.phrases[shown]?.phrase;
  if (!phrase) return null;
  const ancestor = phrase.ancestor === null ? undefined : alignment.phrases[phrase.ancestor]?.phrase;
  return (
    <span className={styles.source} data-testid="ancestor">
      “{phrase.text}” belongs to {ancestor ? `“${ancestor.text}”` : 'the whole picture'}
      {phrase.weight !== undefined && `, weight ${phrase.weight}`}
    </span>
  );
}

function MarkedPrompt({ image, segments }: { image: ImageItem; segments: readonly PromptSegment[] }) {
  const store = useAppStore();
  const pinned = useApp((state) => state.pinnedPhrase);
  const hovered = useApp((state) => state.hoveredPhrase);
  const { hoverPhrase, togglePinnedPhrase } = store.getState();
  const shown = hovered ?? pinned;
  const above = shown === null ? null : (image.alignment?.phrases[shown]?.phrase.ancestor ?? null);
  return (
    <p className={styles.marked} data-testid="marked-prompt">
      {segments.map((segment, i) => {
        const index = segment.phrase;
        const result = index === null ? undefined : image.alignment?.phrases[index];
        // biome-ignore lint/suspicious/noArrayIndexKey: segments of one text never change places.
        if (index === null || !result) return <span key={i}>{segment.text}</span>;
        const look = classes(
          styles.phrase,
          styles[result.status],
          pinned === index && styles.pinned,
          hovered === index && styles.hovered,
          above === index && styles.above,
        );
        const pointer = {
          onPointerEnter: (event: PointerEvent) => event.pointerType !== 'touch' && hoverPhrase(index),
          onPointerLeave: () => hoverPhrase(null),
        };
        if (!segment.leads) {
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above.
            <span key={i} className={look} {...pointer}>
              {segment.text}
            </span>
          );
        }
        return (
          <Hint
            // biome-ignore lint/suspicious/noArrayIndexKey: as above.
            key={i}
            text={`${phraseFound(result)}, ${percent(result.score)} of 100${
              result.phrase.scope === 'place'
                ? pinned === index
                  ? '. Click to unpin its map'
                  : '. Click to pin its map'
                : ''
            }`}
          >
            <button
              type="button"
              className={look}
              aria-pressed={result.phrase.scope === 'place' ? pinned === index : undefined}
              aria-label={`${result.phrase.text}: ${phraseFound(result)}, ${percent(result.score)} of 100`}
              onClick={() => togglePinnedPhrase(index)}
              onFocus={() => hoverPhrase(index)}
              onBlur={() => hoverPhrase(null)}
              {...pointer}
            >
              {segment.text}
              <span className={styles.label}>
                <PhraseIcon status={result.status} size={12} />
                {PHRASE_STATUS_NAMES[result.status]}
              </span>
            </button>
          </Hint>
        );
      })}
    </p>
  );
}
