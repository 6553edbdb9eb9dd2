/** One 8-connected region of a binary image. */
export interface Component {
  /** Bounding box in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Pixels in it. */
  readonly area: number;
  /** Its runs of set pixels, `[y, start, end)` flattened, top to bottom. */
  readonly runs: Int32Array;
}

/**
 * The 8-connected regions of a binary image, in the order of their first pixel (top to bottom, left to right).
 *
 * Works on runs of set pixels joined by union-find, so the cost is one look at each pixel plus the number of runs.
 *
 * @param isSet `[height, width]`, non-zero where set
 * @throws RangeError if the length does not fit
 */
export function connectedComponents(
  isSet: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): readonly Component[] {
  if (isSet.length !== width * height) throw new RangeError(`${isSet.length} pixels are no ${width}x${height}`);
  const runY: number[] = [];
  const runStart: number[] = [];
  const runEnd: number[] = [];
  const parent: number[] = [];
  const find = (run: number): number => {
    let root = run;
    while (parent[root] !== root) root = parent[root] as number;
    // Path compression keeps long chains (a spiral) near linear.
    for (let at = run; parent[at] !== root; ) {
      const next = parent[at] as number;
      parent[at] = root;
      at = next;
    }
    return root;
  };

  let above = 0;
  let aboveEnd = 0;
  for (let y = 0; y < height; y++) {
    const first = parent.length;
    const row = y * width;
    for (let x = 0; x < width; ) {
      if (isSet[row + x] === 0) {
        x++;
        continue;
      }
      const start = x;
      while (x < width && isSet[row + x] !== 0) x++;
      const run = parent.length;
      parent.push(run);
      runY.push(y);
      runStart.push(start);
      runEnd.push(x);
      // Runs above that touch this one, corners included. One that reaches past it may touch the next run too.
      while (above < aboveEnd && (runEnd[above] as number) < start) above++;
      for (let other = above; other < aboveEnd && (runStart[other] as number) <= x; other++) {
        const a = find(other);
        const b = find(run);
        // The earlier run stays the root: regions keep the order of their first pixel.
        if (a !== b) parent[Math.max(a, b)] = Math.min(a, b);
      }
    }
    above = first;
    aboveEnd = parent.length;
  }

  const members = new Map<number, number[]>();
  for (let run = 0; run < parent.length; run++) {
    const root = find(run);
    const list = members.get(root);
    if (list) list.push(run);
    else members.set(root, [run]);
  }
  return Array.from(members.values(), (list): Component => {
    let left = width;
    let right = 0;
    let area = 0;
    const runs = new Int32Array(list.length * 3);
    list.forEach((run, i) => {
      const start = runStart[run] as number;
      const end = runEnd[run] as number;
      left = Math.min(left, start);
      right = Math.max(right, end);
      area += end - start;
      runs.set([runY[run] as number, start, end], i * 3);
    });
    const top = runY[list[0] as number] as number;
    const bottom = runY[list.at(-1) as number] as number;
    return { x: left, y: top, width: right - left, height: bottom - top + 1, area, runs };
  });
}
