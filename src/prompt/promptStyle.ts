import { mediumNouns, qualityWords, styleWords } from './styleWords.ts';

/**
 * Whether words speak of style or quality only: "masterpiece", "best quality", "highly detailed", "oil painting style".
 * @param words lower case, as written ("award-winning" is one)
 */
export function isStyle(words: readonly string[]): boolean {
  if (words.length === 0 || words.length > 6) return false;
  const content = words.filter((word) => !GLUE.has(word));
  if (namesOnlyStyle(words)) {
    // Two quality words, or one beside a stock word: "lights" alone may well be lights.
    return content.length > 1 || isStyleWord(content[0] as string) || content[0] === 'detailed';
  }
  const last = words.at(-1) as string;
  return (STYLE_ENDS.has(last) && !words.slice(1).some((word) => LINKS.has(word))) || OPENERS.has(words[0] as string);
}

/** Whether no word names anything but style, quality or a medium. */
export function namesOnlyStyle(words: readonly string[]): boolean {
  const content = words.filter((word) => !GLUE.has(word));
  return (
    content.length > 0 && content.every((word) => isStyleWord(word) || qualityWords.has(word) || mediumNouns.has(word))
  );
}

const STYLE_ENDS = new Set(['style', 'aesthetic', 'artstyle', 'scheme']);
/** "a city in synthwave style" names a city too. */
const LINKS = new Set(['in', 'of', 'on', 'with', 'at', 'by']);
const GLUE = new Set(['and', 'of', 'in', 'a', 'the', 'with', 'very', '-']);
/** "trending on artstation", "rule of thirds", "Canon EOS 5D". */
const OPENERS = new Set('trending featured rule canon nikon fujifilm leica hasselblad kodak'.split(' '));

/** Stock words, also joined by hyphens: "ultra-detailed". */
function isStyleWord(word: string): boolean {
  if (styleWords.has(word)) return true;
  const parts = word.split('-');
  return (
    parts.length > 1 && parts.every((part) => styleWords.has(part) || qualityWords.has(part) || mediumNouns.has(part))
  );
}

/** "by Greg Rutkowski", "art by artgerm", "in the style of Monet", "style of a comic": the whole tag names a style. */
export function namesStyle(words: readonly string[]): boolean {
  const text = words.join(' ');
  return (
    /^(?:(?:art|artwork|painting|painted|drawing|drawn|illustration|illustrated|photo|photograph|photography|directed|designed|made) )?by (?!an? |the |my |his |her |its |their )/.test(
      text,
    ) ||
    /^(?:in |inspired by )?(?:the |an? )?(?:(?!in |with |on )\S+ ){0,2}(?:styles?|manner|aesthetic) (?:of|by)\b/.test(
      text,
    )
  );
}

/** Names of media, which before "of" speak of the whole image. */
export function isMedium(noun: string): boolean {
  return mediumNouns.has(noun.toLowerCase());
}
