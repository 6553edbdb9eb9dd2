import { isJobRunning, untilJobEnds } from './packLocks.ts';

/** A job on packs as it is told to all tabs. */
export interface RunningJob<Progress> {
  readonly jobId: string;
  /** Of the pack, as shown. */
  readonly name: string;
  readonly progress: Progress | null;
}

/** What happens to packs in any tab, this one included. */
export interface Activity<Progress> {
  readonly running: RunningJob<Progress> | null;
  /** Whether it runs in another tab. */
  readonly elsewhere: boolean;
}

const CHANNEL = 'g-refine-packs';
/** Other tabs hear of progress at most this often, in milliseconds. */
const TOLD_EVERY = 250;

type Message<Progress> =
  | { readonly type: 'running'; readonly job: RunningJob<Progress> }
  | { readonly type: 'ended'; readonly jobId: string }
  /** Packs or drafts were added, removed or written. */
  | { readonly type: 'changed' }
  /** Asks whoever runs a job to tell. */
  | { readonly type: 'ask' };

/** Tells all tabs what job on packs runs, and this one what runs in others. One per worker. */
export class PackActivity<Progress> {
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #watchers = new Set<(activity: Activity<Progress>) => void>();
  #own: RunningJob<Progress> | null = null;
  #elsewhere: RunningJob<Progress> | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor() {
    this.#channel.onmessage = ({ data }: MessageEvent<Message<Progress>>) => this.#hear(data);
    void this.#greet();
  }

  /** The job that runs, here or elsewhere. */
  get activity(): Activity<Progress> {
    return { running: this.#own ?? this.#elsewhere, elsewhere: this.#own === null && this.#elsewhere !== null };
  }

  /** Calls back at once and whenever something changes. A watcher that throws is not called again. */
  watch(onChange: (activity: Activity<Progress>) => void): void {
    this.#watchers.add(onChange);
    this.#tell(onChange);
  }

  /** A job of this worker begins or goes on. */
  running(job: RunningJob<Progress>): void {
    const isNew = this.#own?.jobId !== job.jobId;
    this.#own = job;
    if (!isNew && performance.now() - this.#toldAt < TOLD_EVERY) return;
    this.#toldAt = performance.now();
    this.#say({ type: 'running', job });
    this.#tellAll();
  }

  /** The job of this worker has ended. */
  ended(): void {
    const jobId = this.#own?.jobId;
    this.#own = null;
    if (jobId !== undefined) this.#say({ type: 'ended', jobId });
    this.changed();
  }

  /** Packs or drafts were added, removed or written. */
  changed(): void {
    this.#say({ type: 'changed' });
    this.#tellAll();
  }

  async #greet(): Promise<void> {
    if (await isJobRunning()) this.#say({ type: 'ask' });
  }

  #hear(message: Message<Progress>): void {
    switch (message.type) {
      case 'running': {
        const { job } = message;
        const isNew = this.#elsewhere?.jobId !== job.jobId;
        this.#elsewhere = job;
        if (isNew) void this.#forgetWhenEnded(job.jobId);
        break;
      }
      case 'ended':
        if (this.#elsewhere?.jobId === message.jobId) this.#elsewhere = null;
        break;
      case 'changed':
        break;
      case 'ask':
        if (this.#own) this.#say({ type: 'running', job: this.#own });
        return;
    }
    this.#tellAll();
  }

  /** A tab that is closed says nothing any more, but lets go of its lock. */
  async #forgetWhenEnded(jobId: string): Promise<void> {
    await untilJobEnds();
    if (this.#elsewhere?.jobId !== jobId) return;
    this.#elsewhere = null;
    this.#tellAll();
  }

  #say(message: Message<Progress>): void {
    this.#channel.postMessage(message);
  }

  #tellAll(): void {
    for (const watcher of this.#watchers) this.#tell(watcher);
  }

  #tell(watcher: (activity: Activity<Progress>) => void): void {
    try {
      watcher(this.activity);
    } catch {
      this.#watchers.delete(watcher);
    }
  }
}
