/**
 * The refinements of one image as a tree: each starts from the original or from a variant of an earlier one. Undo walks
 * towards the original, redo back along the way last taken; nothing is ever lost by refining from an earlier place.
 */
export interface RefineHistory<Entry extends HistoryEntry = HistoryEntry> {
  /** In the order they were made. */
  readonly entries: readonly Entry[];
  /** Null: the original. */
  readonly currentId: string | null;
  /** Ids in the order they were last looked at: redo takes the child looked at last. */
  readonly visited: readonly string[];
}

/** What the history has to know of a refinement. */
export interface HistoryEntry {
  readonly id: string;
  /** What it started from; null: the original. */
  readonly parent: { readonly id: string; readonly variant: number } | null;
}

/** Adds a refinement and goes to it. */
export function addEntry<Entry extends HistoryEntry>(
  history: RefineHistory<Entry>,
  entry: Entry,
): RefineHistory<Entry> {
  return goTo({ ...history, entries: [...history.entries, entry] }, entry.id);
}

/** Goes to a refinement, or to the original. An unknown id changes nothing. */
export function goTo<Entry extends HistoryEntry>(
  history: RefineHistory<Entry>,
  id: string | null,
): RefineHistory<Entry> {
  if (id === null) return { ...history, currentId: null };
  const path = pathTo(history, id).map((entry) => entry.id);
  if (path.length === 0) return history;
  return { ...history, currentId: id, visited: [...history.visited.filter((other) => !path.includes(other)), ...path] };
}

/** One step towards the original. */
export function undone<Entry extends HistoryEntry>(history: RefineHistory<Entry>): RefineHistory<Entry> {
  const current = currentEntry(history);
  return current ? { ...history, currentId: current.parent?.id ?? null } : history;
}

/** One step back along the way last taken. */
export function redone<Entry extends HistoryEntry>(history: RefineHistory<Entry>): RefineHistory<Entry> {
  const next = nextEntry(history);
  return next ? { ...history, currentId: next.id } : history;
}

/** What redo would go to. */
export function nextEntry<Entry extends HistoryEntry>({
  entries,
  currentId,
  visited,
}: RefineHistory<Entry>): Entry | null {
  const children = entries.filter(({ parent }) => (parent?.id ?? null) === currentId);
  return children.reduce<Entry | null>(
    (last, child) => (last && visited.indexOf(last.id) > visited.indexOf(child.id) ? last : child),
    null,
  );
}

/** The refinement gone to; null: the original. */
export function currentEntry<Entry extends HistoryEntry>({ entries, currentId }: RefineHistory<Entry>): Entry | null {
  return entries.find(({ id }) => id === currentId) ?? null;
}

/** The refinements from the original to this one, oldest first; empty for an unknown id. */
export function pathTo<Entry extends HistoryEntry>({ entries }: RefineHistory<Entry>, id: string): readonly Entry[] {
  const path: Entry[] = [];
  for (let next: string | undefined = id; next !== undefined; ) {
    const entry = entries.find((other) => other.id === next);
    if (!entry) break;
    path.unshift(entry);
    next = entry.parent?.id;
  }
  return path;
}

/** Without a refinement and all that started from it; what it started from is gone to where one of them was shown. */
export function withoutEntry<Entry extends HistoryEntry>(
  history: RefineHistory<Entry>,
  id: string,
): { readonly history: RefineHistory<Entry>; readonly removed: readonly Entry[] } {
  const removed = history.entries.filter((entry) => pathTo(history, entry.id).some((step) => step.id === id));
  const entries = history.entries.filter((entry) => !removed.includes(entry));
  const isShown = removed.some((entry) => entry.id === history.currentId);
  const parent = removed.find((entry) => entry.id === id)?.parent?.id ?? null;
  const visited = history.visited.filter((other) => entries.some((entry) => entry.id === other));
  return { history: { entries, visited, currentId: isShown ? parent : history.currentId }, removed };
}
