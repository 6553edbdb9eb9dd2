import { UserError } from '../errors.ts';
import { SerialQueue } from './serialQueue.ts';

/** Something that takes memory while it is loaded: a part of a model. */
export interface Resident {
  /** Shown in messages. */
  readonly name: string;
  /** Frees its memory; it loads again when next used. */
  unload(): Promise<void>;
}

/** How far a part has been read. */
export interface LoadingProgress {
  /** The part's name. */
  readonly name: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

interface Occupant {
  bytes: number;
  users: number;
  lastUse: number;
}

/**
 * Who is in memory. Before something loads, others that nobody is using leave, least recently used first, until all fit
 * the budget. The budget never refuses: sizes are estimates, and so is it; what does not fit after all fails with
 * `OutOfMemoryError`, and is tried once more when everything else has left.
 */
export class Residency {
  readonly #occupants = new Map<Resident, Occupant>();
  /** Loads, one at a time, so that each counts with what the others take. */
  readonly #moves = new SerialQueue();
  readonly #loadingListeners = new Set<(progress: LoadingProgress) => void>();
  #automaticBytes: number;
  #chosenBytes: number | null = null;
  #clock = 0;

  /** @param automaticBytes the budget unless {@link setBudget} says otherwise */
  constructor(automaticBytes: number) {
    this.#automaticBytes = automaticBytes;
  }

  get budget(): { readonly bytes: number; readonly automaticBytes: number } {
    return { bytes: this.#chosenBytes ?? this.#automaticBytes, automaticBytes: this.#automaticBytes };
  }

  /**
   * Calls `onLoading` while something is read, about a hundred times for each part, the last time with all bytes done.
   * @returns stops it
   */
  watchLoading(onLoading: (progress: LoadingProgress) => void): () => void {
    this.#loadingListeners.add(onLoading);
    return () => {
      this.#loadingListeners.delete(onLoading);
    };
  }

  /** For residents: tells how far they have been read. */
  tellLoading(progress: LoadingProgress): void {
    for (const onLoading of this.#loadingListeners) onLoading(progress);
  }

  /** Estimated bytes of all that is loaded. */
  get loadedBytes(): number {
    return [...this.#occupants.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Names of what is loaded, least recently used first. */
  get loaded(): string[] {
    return this.#byLastUse().map(([{ name }]) => name);
  }

  /**
   * Sets the budget; what no longer fits leaves.
   * @param bytes null: the automatic one
   */
  setBudget(bytes: number | null): Promise<void> {
    if (bytes !== null && !(bytes > 0)) throw new RangeError(`A budget of ${bytes} bytes`);
    this.#chosenBytes = bytes;
    return this.#moves.run(() => this.#makeRoom(0, null));
  }

  /** Sets the automatic budget: it depends on the tier. */
  setAutomaticBudget(bytes: number): void {
    this.#automaticBytes = bytes;
  }

  /**
   * Loads something and uses it; it does not leave meanwhile.
   * @param bytes estimated bytes while in use
   * @param load makes it ready; called whether or not it is loaded already
   * @throws whatever `load` and `use` throw; `OutOfMemoryError` only with everything else gone
   */
  async use<Loaded, T>(
    resident: Resident,
    { bytes, load, use }: { bytes: number; load: () => Promise<Loaded>; use: (loaded: Loaded) => Promise<T> },
  ): Promise<T> {
    const occupant = this.#enter(resident);
    try {
      const attempt = async () => {
        const loaded = await this.#moves.run(async () => {
          await this.#makeRoom(bytes, resident);
          occupant.bytes = bytes;
          return load();
        });
        return use(loaded);
      };
      return await attempt().catch(async (error: unknown) => {
        if (!isOutOfMemory(error) || !(await this.#clearAllBut(resident))) throw error;
        return attempt();
      });
    } finally {
      occupant.users--;
      occupant.lastUse = ++this.#clock;
    }
  }

  /** Forgets something that has been unloaded by its owner. */
  leave(resident: Resident): void {
    const occupant = this.#occupants.get(resident);
    if (!occupant) return;
    if (occupant.users === 0) this.#occupants.delete(resident);
    else occupant.bytes = 0;
  }

  /** Counts everything as unloaded: its device or tier is gone. */
  forgetAll(): void {
    for (const resident of [...this.#occupants.keys()]) this.leave(resident);
  }

  #enter(resident: Resident): Occupant {
    const occupant = this.#occupants.get(resident) ?? { bytes: 0, users: 0, lastUse: 0 };
    occupant.users++;
    occupant.lastUse = ++this.#clock;
    this.#occupants.set(resident, occupant);
    return occupant;
  }

  /** @param comer takes `bytes` instead of what it takes now */
  async #makeRoom(bytes: number, comer: Resident | null): Promise<void> {
    const others = () => this.#byLastUse().filter(([resident]) => resident !== comer);
    const needed = () => others().reduce((sum, [, occupant]) => sum + occupant.bytes, bytes);
    for (const [resident, { users }] of others()) {
      if (needed() <= this.budget.bytes) return;
      if (users === 0) await this.#expel(resident);
    }
  }

  /** @returns whether anything left */
  #clearAllBut(comer: Resident): Promise<boolean> {
    return this.#moves.run(async () => {
      const idle = this.#byLastUse().filter(([resident, { users }]) => resident !== comer && users === 0);
      for (const [resident] of idle) await this.#expel(resident);
      return idle.length > 0;
    });
  }

  async #expel(resident: Resident): Promise<void> {
    await resident.unload();
    this.leave(resident);
  }

  #byLastUse(): [Resident, Occupant][] {
    return [...this.#occupants].sort(([, a], [, b]) => a.lastUse - b.lastUse);
  }
}

/** Whether an error is a full memory. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof UserError && error.name === 'OutOfMemoryError';
}
