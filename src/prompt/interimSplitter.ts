/**
 * Splits a prompt into phrases by closed word classes and position alone, until the dependency parser takes its place
 * behind {@link PhraseSplitter}. Deliberately simple; where it errs it errs by a word more or less in a phrase.
 *
 * - A comma, full stop, line or BREAK ends a clause. Prepositions, conjunctions and verbs end a noun group.
 * - A group's noun is its last word. Determiners, pronouns and auxiliaries are no tokens. Participles and finite verbs
 *   right after a noun are tokens of its phrase ("a cat sitting | on a chair"), as eq. 4 has it.
 * - Ancestor (Algorithm 1): what follows a preposition or verb hangs on the phrase before it; what follows "and" shares
 *   the ancestor of the phrase before it [ours: in a UD tree the conjunct would hang on that phrase itself, which would
 *   look for a missing cat of "a dog and a cat" on the dog]; a clause begins anew, unless it opens with a preposition: then
 *   it hangs on the first phrase of the clause before.
 * - Style: stock words, media ("an oil painting of"), "in the style of …", "by Name": scope `whole`.
 */
import {
  adjectives,
  conjunctions,
  copulas,
  determiners,
  finiteVerbs,
  ingNouns,
  linkWords,
  mediumNouns,
  prepositions,
  qualityWords,
  relationalNouns,
  stopWords,
  styleWords,
} from './englishWords.ts';
import type { Phrase, PhraseSplitter, Span } from './phrase.ts';
import { type PromptWord, promptWords } from './promptSyntax.ts';

/** A run of words that becomes one phrase, and what stood before it. */
interface Group {
  readonly tokens: PromptWord[];
  /** Index in `tokens` of the noun. */
  noun: number;
  /** What joined it to the group before it in its clause. */
  readonly link: 'start' | 'hang' | 'beside';
  /** Lower-case word that opened it (preposition, verb), or ''. */
  readonly opener: string;
  /** The word ending the group, lower case, or ''. */
  closer: string;
}

/** The phrases of a prompt (see the file's comment). Linear in its length; never throws. */
export const splitPrompt: PhraseSplitter = (prompt) => {
  const phrases: Phrase[] = [];
  /** First placed phrase of the clause before, for clauses that open with a preposition. */
  let lastRoot: number | null = null;
  for (const clause of clauses(promptWords(prompt))) {
    if (clause[0]?.separator === 'stop') lastRoot = null;
    const groups = nounGroups(clause);
    const isStyleClause = isStyle(groups.flatMap((group) => group.tokens));
    let styleFollows = false;
    let before: number | null = null;
    let root: number | null = null;
    groups.forEach((group, i) => {
      if (opensStyle(group, clause, i)) styleFollows = true;
      const isWhole = isStyleClause || styleFollows || isMedium(group, groups.length) || isStyle(group.tokens);
      let ancestor: number | null = null;
      if (!isWhole) {
        if (group.link === 'hang') ancestor = before ?? (i === 0 ? lastRoot : null);
        else if (group.link === 'beside' && before !== null) ancestor = phrases[before]?.ancestor ?? null;
        before = phrases.length;
        root ??= before;
      }
      phrases.push(asPhrase(group, { ancestor, scope: isWhole ? 'whole' : 'place' }));
    });
    lastRoot = root ?? lastRoot;
  }
  return phrases;
};

/** Words between commas and stops. */
function clauses(words: readonly PromptWord[]): PromptWord[][] {
  const found: PromptWord[][] = [];
  for (const word of words) {
    const last = found.at(-1);
    if (last && word.separator === 'none') last.push(word);
    else found.push([word]);
  }
  return found;
}

/** The noun groups of one clause. */
function nounGroups(clause: readonly PromptWord[]): Group[] {
  const groups: Group[] = [];
  let tokens: PromptWord[] = [];
  let noun = -1;
  let link: Group['link'] = 'start';
  let opener = '';
  const close = (closer: string) => {
    if (closer === 'to' && tokens.length > 1 && tokens.at(-1)?.text.toLowerCase() === 'next') tokens.pop();
    const only = tokens.length === 1 ? (tokens[0] as PromptWord).text.toLowerCase() : '';
    if (relationalNouns.has(only) && (closer === 'of' || closer === 'to')) {
      // "in front of", "next to", "a couple of": a preposition or a quantity of several words; the link before it stays.
    } else if (tokens.length > 0) {
      groups.push({ tokens, noun: noun >= 0 ? noun : tokens.length - 1, link, opener, closer });
      link = 'hang';
    } else if (groups.length === 0 && (prepositions.has(closer) || closer === 'hang')) {
      link = 'hang';
    }
    tokens = [];
    noun = -1;
    opener = closer;
  };
  const previous = (i: number) => clause[i - 1]?.text.toLowerCase() ?? '';
  clause.forEach((word, i) => {
    const lower = word.text.toLowerCase();
    const next = clause[i + 1]?.text.toLowerCase() ?? '';
    if (copulas.has(lower) && describes(next, clause[i + 2]) && tokens.length > 0 && noun < 0) {
      // "the hat is red": the adjective joins the group, whose noun stays.
      noun = tokens.length - 1;
    } else if (conjunctions.has(lower)) {
      // "black and white": still the same group, if nothing but adjectives came and another follows.
      const joinsAdjectives = tokens.length > 0 && [...tokens, ...clause.slice(i + 1, i + 2)].every(isAdjective);
      if (!joinsAdjectives) {
        close(lower);
        if (groups.length > 0) link = 'beside';
      }
    } else if (prepositions.has(lower) || linkWords.has(lower)) {
      close(lower);
    } else if (isVerb(lower, next) && tokens.some((token) => !isModifier(token))) {
      // The verb belongs to the noun before it; what comes next hangs on it.
      if (noun < 0) noun = tokens.length - 1;
      tokens.push(word);
    } else if (isVerb(lower, next) && tokens.length === 0 && groups.length > 0 && linkWords.has(previous(i))) {
      // "are sitting", "who is running": the verb still belongs to the group before; "while" goes back to the subject.
      const subject = (previous(i) === 'while' ? groups[0] : groups.at(-1)) as Group;
      subject.tokens.push(word);
    } else if (!stopWords.has(lower)) {
      if (noun >= 0 && !copulas.has(previous(i)) && !isAdverb(lower)) close('hang');
      tokens.push(word);
    } else if (determiners.has(lower) && tokens.length > 0) {
      close('hang');
    }
  });
  close('');
  return groups;
}

/** Whether the word after a copula only describes: an adjective with no noun right after it. */
function describes(word: string, after: PromptWord | undefined): boolean {
  const next = after?.text.toLowerCase() ?? '';
  return (
    adjectives.has(word) && (next === '' || prepositions.has(next) || conjunctions.has(next) || linkWords.has(next))
  );
}

/** A verb, if it stands after a noun: known, a present participle, or a past one that nothing but a preposition follows. */
function isVerb(lower: string, next: string): boolean {
  if (finiteVerbs.has(lower)) return true;
  if (lower.length <= 4) return false;
  return (
    (lower.endsWith('ing') && !ingNouns.has(lower)) || (lower.endsWith('ed') && (next === '' || prepositions.has(next)))
  );
}

function isAdverb(lower: string): boolean {
  return lower.endsWith('ly') && lower.length > 4;
}

/** Known, or ending as hardly any noun does. */
function isAdjective({ text }: Span): boolean {
  return adjectives.has(text.toLowerCase()) || /(?:ical|ous|ful|less)$/i.test(text);
}

function isModifier(word: Span): boolean {
  return isAdjective(word) || isAdverb(word.text.toLowerCase());
}

/** "masterpiece", "best quality", "highly detailed", "oil painting style": a stock word, or nothing but quality words. */
function isStyle(tokens: readonly Span[]): boolean {
  if (tokens.length === 0 || tokens.length > 5) return false;
  const words = tokens.map(({ text }) => text.toLowerCase());
  if (words.every((word) => styleWords.has(word) || qualityWords.has(word) || mediumNouns.has(word))) {
    // Two quality words, or one beside a stock word: "lights" alone may well be lights.
    return words.length > 1 || styleWords.has(words[0] as string) || words[0] === 'detailed';
  }
  const last = words.at(-1) as string;
  return last === 'style' || last === 'aesthetic' || words[0] === 'trending';
}

/** "An oil painting of …", "portrait, …", "pixel-art on windows": the medium, not a thing in the picture. */
function isMedium({ tokens, noun, link, closer }: Group, groupsInClause: number): boolean {
  const isName = mediumNouns.has((tokens[noun] as Span).text.toLowerCase());
  return isName && link === 'start' && (closer === 'of' || closer === 'by' || groupsInClause === 1);
}

/** "by Greg Rutkowski", "in the style of Monet": the rest of the clause names a style. */
function opensStyle({ tokens, opener }: Group, clause: readonly PromptWord[], index: number): boolean {
  const first = tokens[0] as PromptWord;
  if (opener === 'by') {
    const at = clause.indexOf(first);
    const isBare = !determiners.has(clause[at - 1]?.text.toLowerCase() ?? '');
    return isBare && (index === 0 || /^\p{Lu}/u.test(first.text));
  }
  return (opener === 'in' || index === 0) && /^styles?$/i.test((tokens.at(-1) as Span).text);
}

function asPhrase({ tokens, noun }: Group, rest: Pick<Phrase, 'ancestor' | 'scope'>): Phrase {
  const spans = tokens.map(({ text, start, end }): Span => ({ text, start, end }));
  return { text: spans.map(({ text }) => text).join(' '), tokens: spans, noun: spans[noun] as Span, ...rest };
}
