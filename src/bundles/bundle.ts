import type { Precision } from '../graph/weights.ts';
import type { PublishedFile } from '../hub/publishedFile.ts';
import type { PackKind } from '../storage/packManifest.ts';

/** A licence as its authors name it. */
export interface Licence {
  readonly name: string;
  /** Where it can be read. */
  readonly url: string;
}

/** One model to install: it becomes one pack. */
export interface BundleModel {
  readonly kind: PackKind;
  /** As shown, e.g. `SDXL Inpainting 0.1`. */
  readonly name: string;
  /** Page of its authors. */
  readonly homepage: string;
  readonly licence: Licence;
  /** Of files that others published. */
  readonly furtherLicences: readonly Licence[];
  readonly precision: Precision;
  readonly files: readonly PublishedFile[];
  /** Bytes of weights on disk once compiled, computed from the published configs; null: not known before the files are asked. */
  readonly diskBytes: number | null;
}

/** A set of models that together do a job; shipped with the app as JSON. */
export interface BundleManifest {
  /** e.g. `sdxl-4bit`. */
  readonly id: string;
  readonly name: string;
  /** One sentence: what it is for, and on which cards. */
  readonly purpose: string;
  readonly models: readonly BundleModel[];
  /**
   * GPU memory in bytes that a refinement of a 1024² image needs with the models of this bundle, estimated: what the largest of
   * their parts takes at work in 16-bit, weights and activations, prompt and negative prompt together. Parts that nobody uses leave.
   */
  readonly vramBytes: number;
}
