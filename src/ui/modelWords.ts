import type { BundleManifest } from '../bundles/bundle.ts';
import type { Tier } from '../runtime/status.ts';
import type { BundleProgress } from '../store/bundleState.ts';
import { type Install, installBytes, installTimeLeft } from '../store/install.ts';
import type { PackJob } from '../store/packJobsSlice.ts';
import { bytes, duration } from './words.ts';

/** Everything the interface says about installing models that depends on a value. */

/** What is being done with an installed model. */
export const PACK_JOB_WORDS: Readonly<Record<PackJob['does'], string>> = {
  verify: 'Checking',
  repair: 'Repairing',
  export: 'Copying',
  import: 'Adding',
};

/** What becomes of memory, told for a bundle on this machine; never a reason not to install. */
export function memoryWords(
  { vramBytes, models }: Pick<BundleManifest, 'vramBytes' | 'models'>,
  { tier, budgetBytes }: { readonly tier: Tier | null; readonly budgetBytes: number | null },
): { readonly words: string; readonly fits: boolean } {
  const repairs = models.some(({ kind }) => kind !== 'maps');
  if (tier === 'wasm') {
    return repairs
      ? { words: 'No GPU is in use here: on the processor a repair takes many minutes.', fits: false }
      : { words: 'Works on the processor here, too.', fits: true };
  }
  const needs = `Needs about ${bytes(vramBytes)} of GPU memory`;
  if (budgetBytes === null) return { words: `${needs}.`, fits: true };
  return vramBytes <= budgetBytes
    ? { words: `${needs}; this app may use ${bytes(budgetBytes)} here.`, fits: true }
    : {
        words: `${needs}; this app may use ${bytes(budgetBytes)} here: it works slower, parts load one after another.`,
        fits: false,
      };
}

/** What a lack of room is, and what to do; null: there is enough. */
export function roomWords({ diskBytes }: Pick<BundleProgress, 'diskBytes'>, freeBytes: number | null): string | null {
  if (diskBytes === null || freeBytes === null || diskBytes <= freeBytes) return null;
  return `Needs ${bytes(diskBytes)} of storage, the browser gives ${bytes(freeBytes)}: delete models or free space on the disk first.`;
}

/** `3 models`, and how many of them are here. */
export function installedWords({ installed, missing }: Pick<BundleProgress, 'installed' | 'missing'>): string | null {
  if (missing === 0) return 'Installed';
  return installed > 0 ? `${installed} of ${installed + missing} installed` : null;
}

/** What an installation is at, in one line. */
export function installTitle({ name, state }: Install): string {
  switch (state.is) {
    case 'preparing':
      return `Getting ready for ${name}`;
    case 'running':
      return `Installing ${name}`;
    case 'pausing':
      return `Pausing ${name}`;
    case 'cancelling':
      return `Cancelling ${name}`;
    case 'paused':
      return `${name} is paused`;
    case 'short':
      return `Not enough room for ${name}`;
    case 'failed':
      return `${name} is not complete`;
  }
}

/** A lack of room and what helps. */
export function shortWords({ neededBytes, freeBytes }: Install['state'] & { readonly is: 'short' }): string {
  return `It needs ${bytes(neededBytes)} of storage, and the browser gives ${bytes(freeBytes)}. Delete models you no longer use or free space on this disk, at least ${bytes(neededBytes - freeBytes)}; then resume.`;
}

/** `3.1 GB of 7.0 GB`, as far as it is known. */
export function bytesWords({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number | null }): string {
  return totalBytes === null ? bytes(doneBytes) : `${bytes(doneBytes)} of ${bytes(totalBytes)}`;
}

/** Nothing has come for this long, ms: it is said. */
const SILENCE = 8000;

/** Size, speed and time left of a running installation at a moment. */
export function installFacts(install: Install, now: number): readonly string[] {
  const { rate, state } = install;
  const counted = installBytes(install);
  const facts = counted.doneBytes > 0 || counted.totalBytes !== null ? [bytesWords(counted)] : [];
  if (state.is !== 'running') return facts;
  if (rate && now - rate.at > SILENCE) return [...facts, 'waiting for data'];
  if (rate?.bytesPerSecond) facts.push(`${bytes(rate.bytesPerSecond)}/s`);
  const left = installTimeLeft(install);
  if (left !== null) facts.push(`about ${duration(left)} left`);
  return facts;
}

/** A date as this browser's language writes it. */
export function dateWords(milliseconds: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(milliseconds);
}
