/**
 * Where a thing stands to its ancestor, from the words between the two [ours]: Algorithm 1 puts whatever is missing on its ancestor, which
 * is right for a hat of a man, but would paint over the tree that a missing dog was to be next to.
 */

/**
 * Where a phrase's thing is, seen from its ancestor, in the picture: `on` it, as a part, a garment, a material; or clear of it:
 * `beside` (anywhere near), or in a direction. What is behind stands higher in a picture, what is in front lower.
 */
export type Standing = 'on' | 'beside' | 'left' | 'right' | 'above' | 'below';

/** "ANCESTOR <words> PHRASE" → where the phrase is from the ancestor; the first that fits. */
const EXPRESSIONS: readonly (readonly [RegExp, Standing])[] = [
  [/ left (?:side )?of /, 'right'],
  [/ right (?:side )?of /, 'left'],
  [/ (?:in front|ahead) of /, 'above'],
  [/ behind /, 'below'],
  [/ (?:on top of|above|over|atop) /, 'below'],
  [/ (?:under|underneath|below|beneath) /, 'above'],
  [
    / (?:next to|close to|near|nearby|beside|besides|alongside|by|around|between|among|amongst|against|towards?) /,
    'beside',
  ],
  [/ (?:on|upon|at) /, 'beside'],
];

/** @param between the words after the ancestor's noun and before the phrase, other phrases left out, lower case */
export function standingOf(between: readonly string[]): Standing {
  const text = ` ${between.join(' ')} `;
  return EXPRESSIONS.find(([expression]) => expression.test(text))?.[1] ?? 'on';
}

const OPPOSITES: Readonly<Record<Standing, Standing>> = {
  on: 'on',
  beside: 'beside',
  left: 'right',
  right: 'left',
  above: 'below',
  below: 'above',
};

/** Where the ancestor is, seen from the phrase. */
export function oppositeOf(standing: Standing): Standing {
  return OPPOSITES[standing];
}
