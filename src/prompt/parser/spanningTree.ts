/**
 * Heads of the best dependency tree with exactly one root word (Chu & Liu 1965, Edmonds 1967; McDonald et al. 2005).
 *
 * @param scores `[n, n+1]`, row-major: `scores[d·(n+1) + h]` for word `d` (0-based) under head `h` (0 = root, else word `h−1`)
 * @returns heads per word, 1-based, 0 for the root word
 */
export function bestTree(scores: Float32Array, n: number): number[] {
  const width = n + 1;
  if (scores.length < n * width) throw new RangeError(`bestTree: ${n} words need ${n * width} scores`);
  if (n === 0) return [];
  // Mostly every word's best head already makes a tree with one root, and then no tree is better.
  const greedy = [0];
  for (let d = 0; d < n; d++) {
    let best = 0;
    for (let h = 1; h < width; h++) {
      if (h !== d + 1 && (scores[d * width + h] as number) > (scores[d * width + best] as number)) best = h;
    }
    greedy.push(best);
  }
  if (greedy.indexOf(0, 1) === greedy.lastIndexOf(0) && greedy.lastIndexOf(0) > 0 && findCycle(greedy) === null) {
    return greedy.slice(1);
  }
  const matrix: Float64Array[] = [new Float64Array(width)];
  for (let d = 0; d < n; d++) {
    const row = Float64Array.from(scores.subarray(d * width, (d + 1) * width));
    // So dear that the best tree uses the root once; differences between roots stay.
    row[0] = (row[0] as number) - 1e7;
    row[d + 1] = Number.NEGATIVE_INFINITY;
    matrix.push(row);
  }
  return maximumBranching(matrix).slice(1);
}

/** `s[dep][head]`, node 0 the root. Contracts one cycle at a time. */
function maximumBranching(s: readonly Float64Array[]): number[] {
  const n = s.length;
  const head = new Array<number>(n).fill(0);
  for (let d = 1; d < n; d++) {
    const row = s[d] as Float64Array;
    let best = d === 0 ? 0 : Number.NEGATIVE_INFINITY;
    for (let h = 0; h < n; h++) {
      if (h !== d && (row[h] as number) > best) {
        best = row[h] as number;
        head[d] = h;
      }
    }
  }
  const cycle = findCycle(head);
  if (cycle === null) return head;
  const inside = new Set(cycle);
  const outside = [...head.keys()].filter((v) => !inside.has(v));
  const m = outside.length;
  const at = (d: number, h: number): number => (s[d] as Float64Array)[h] as number;
  const small = Array.from({ length: m + 1 }, () => new Float64Array(m + 1).fill(Number.NEGATIVE_INFINITY));
  const enters = new Array<number>(m).fill(0); // the cycle's word that takes the head outside[j]
  const leaves = new Array<number>(m).fill(0); // the cycle's word that heads outside[i]
  outside.forEach((v, i) => {
    const row = small[i] as Float64Array;
    outside.forEach((u, j) => {
      row[j] = at(v, u);
    });
    for (const c of cycle) {
      if (v !== 0 && at(v, c) > (row[m] as number)) {
        row[m] = at(v, c);
        leaves[i] = c;
      }
    }
    const into = small[m] as Float64Array;
    for (const c of cycle) {
      const gain = at(c, v) - at(c, head[c] as number);
      if (gain > (into[i] as number)) {
        into[i] = gain;
        enters[i] = c;
      }
    }
  });
  const solved = maximumBranching(small);
  const above = solved[m] as number;
  const broken = enters[above] as number;
  outside.forEach((v, i) => {
    if (v === 0) return;
    const h = solved[i] as number;
    head[v] = h === m ? (leaves[i] as number) : (outside[h] as number);
  });
  head[broken] = outside[above] as number;
  return head;
}

function findCycle(head: readonly number[]): number[] | null {
  const state = new Uint8Array(head.length);
  state[0] = 2;
  for (let start = 1; start < head.length; start++) {
    const path: number[] = [];
    let v = start;
    while (state[v] === 0) {
      state[v] = 1;
      path.push(v);
      v = head[v] as number;
    }
    if (state[v] === 1) return path.slice(path.indexOf(v));
    for (const p of path) state[p] = 2;
  }
  return null;
}
