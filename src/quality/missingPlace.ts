/**
 * Where something missing is to come (M_anc of G-Refine eq. 6, Algorithm 1), where that is not on its ancestor [ours].
 *
 * The paper takes the ancestor's own pixels, or the whole image where there is none. Both paint over what is as asked: "a dog next to
 * a tree" would lose its tree, "a dog and a cat" its dog. So a thing that stands beside its ancestor, or has none, comes to the
 * emptiest place there is, on the side the prompt says; only where nothing that was asked for is found is it the whole image.
 */
import { squaredDistances } from '../math/distanceTransform.ts';
import { oppositeOf, type Standing } from '../prompt/standing.ts';
import type { QualityMap } from './qualityMap.ts';
import type { PhraseResult } from './qualityResults.ts';

/** Radius of an empty place, smallest and largest, as shares of the image's shorter side. */
const smallestRadius = 0.13;
const largestRadius = 0.2;
/** How much nearness to the anchor, being in line with it, and nearness to the image's middle count against emptiness, cell for cell. */
const nearness = 0.3;
const alignment = 0.4;
const centring = 0.15;

/** What is needed of a phrase's result. */
export type Placed = Pick<PhraseResult, 'phrase' | 'status' | 'map'>;

/** What a missing thing stands to, and how. */
interface Anchor {
  readonly map: QualityMap;
  readonly standing: Standing;
}

/**
 * The places of all missing phrases, 0..1 for each cell, 1 = here; no two empty places overlap much.
 *
 * @returns for each of `results` its place; null where it is not missing
 */
export function missingPlaces(
  results: readonly Placed[],
  grid: { readonly gridWidth: number; readonly gridHeight: number },
): readonly (Float32Array | null)[] {
  const cells = grid.gridWidth * grid.gridHeight;
  // Half of M's range says no more than that a map is without contrast, so only the upper half keeps anything away.
  const taken = new Float32Array(cells);
  let isAnythingFound = false;
  for (const result of results) {
    if (!isFound(result) || isGround(result.map)) continue;
    isAnythingFound = true;
    result.map.values.forEach((value, i) => {
      taken[i] = Math.max(taken[i] as number, 2 * value - 1);
    });
  }
  return results.map((result, i) => {
    if (result.status !== 'missing') return null;
    const anchor = anchorOf(i, results);
    if (anchor?.standing === 'on') return anchor.map.values;
    if (!isAnythingFound) return new Float32Array(cells).fill(1);
    const place = emptyPlace(taken, { ...grid, anchor });
    place.forEach((value, cell) => {
      taken[cell] = Math.max(taken[cell] as number, value);
    });
    return place;
  });
}

/** In the image, and so a place to stand to. */
function isFound({ phrase, status }: Placed): boolean {
  return phrase.scope === 'place' && !phrase.negated && (status === 'ok' || status === 'wrongAttribute');
}

/** What fills half of the image is no thing but what things stand on or before. */
function isGround({ values }: QualityMap): boolean {
  return values.filter((value) => value > 0.5).length >= values.length / 2;
}

/** The nearest ancestor that is in the image; else something in the image that this is the ancestor of; null: neither. */
function anchorOf(index: number, results: readonly Placed[]): Anchor | null {
  let standing = results[index]?.phrase.standing ?? 'on';
  let ancestor = results[index]?.phrase.ancestor ?? null;
  // No chain is longer than there are phrases; the bound keeps a circular one from hanging.
  for (let steps = 0; ancestor !== null && steps < results.length; steps++) {
    const above = results[ancestor];
    if (above === undefined) break;
    if (isFound(above)) return isGround(above.map) && standing !== 'on' ? null : { map: above.map, standing };
    standing = above.phrase.standing ?? standing;
    ancestor = above.phrase.ancestor;
  }
  const below = results.find((other) => other.phrase.ancestor === index && isFound(other) && !isGround(other.map));
  if (!below) return null;
  const opposite = oppositeOf(below.phrase.standing ?? 'on');
  // Where a hat is whose man is missing, the man is not to be painted on the hat.
  return { map: below.map, standing: opposite === 'on' ? 'beside' : opposite };
}

/** A disc at the emptiest cell, as large as there is room, less what is taken. */
function emptyPlace(
  taken: Float32Array,
  {
    gridWidth,
    gridHeight,
    anchor,
  }: { readonly gridWidth: number; readonly gridHeight: number; readonly anchor: Anchor | null },
): Float32Array {
  const side = Math.min(gridWidth, gridHeight);
  const limit = largestRadius * side;
  const distances = squaredDistances(
    Uint8Array.from(taken, (value) => (value > 0 ? 1 : 0)),
    { width: gridWidth, height: gridHeight, limit },
  );
  const room = (x: number, y: number): number => {
    const border = Math.min(x + 1, y + 1, gridWidth - x, gridHeight - y);
    return Math.min(Math.sqrt(distances[y * gridWidth + x] as number), border, limit);
  };
  const cost = anchor ? besideAnchor(anchor, gridWidth) : awayFromMiddle(gridWidth, gridHeight);
  let best = { x: 0, y: 0, value: Number.NEGATIVE_INFINITY };
  for (let y = 0; y < gridHeight; y++) {
    for (let x = 0; x < gridWidth; x++) {
      const value = room(x, y) - cost(x, y);
      if (value > best.value) best = { x, y, value };
    }
  }
  const radius = Math.max(room(best.x, best.y), smallestRadius * side);
  return taken.map((value, i) => {
    const distance = Math.hypot((i % gridWidth) - best.x, Math.floor(i / gridWidth) - best.y);
    return Math.min(Math.max(radius + 1 - distance, 0), 1) * (1 - value);
  });
}

function awayFromMiddle(gridWidth: number, gridHeight: number) {
  return (x: number, y: number): number => centring * Math.hypot(x - (gridWidth - 1) / 2, y - (gridHeight - 1) / 2);
}

/** How unfit a cell is to stand so to the anchor: far from it, out of line, or (a whole image's worth) on its wrong side. */
function besideAnchor({ map: { values, gridHeight }, standing }: Anchor, gridWidth: number) {
  let [left, right, top, bottom] = [gridWidth, -1, gridHeight, -1];
  values.forEach((value, i) => {
    if (value <= 0.5) return;
    const [x, y] = [i % gridWidth, Math.floor(i / gridWidth)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  });
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  const isWrong: Readonly<Record<Standing, (x: number, y: number) => boolean>> = {
    on: () => false,
    beside: () => false,
    left: (x) => x > middleX - (right - left) / 4,
    right: (x) => x < middleX + (right - left) / 4,
    above: (_, y) => y > middleY - (bottom - top) / 4,
    below: (_, y) => y < middleY + (bottom - top) / 4,
  };
  return (x: number, y: number): number => {
    const away = Math.hypot(Math.max(left - x, x - right, 0), Math.max(top - y, y - bottom, 0));
    const beyond =
      standing === 'left' || standing === 'right'
        ? Math.abs(y - middleY)
        : standing === 'above' || standing === 'below'
          ? Math.abs(x - middleX)
          : 0;
    return nearness * away + alignment * beyond + (isWrong[standing](x, y) ? gridWidth + gridHeight : 0);
  };
}
