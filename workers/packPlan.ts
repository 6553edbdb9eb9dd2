import type { ByteSource, HubFolder } from '../src/checkpoint/byteSource.ts';
import type { CompileOptions } from '../src/graph/compileWeights.ts';
import type { Precision, WeightIndex } from '../src/graph/weights.ts';
import type { PackKind } from '../src/storage/packManifest.ts';

/** One model of a pack. */
export interface PartPlan {
  readonly name: string;
  /** Bytes of its published weights, for progress over all parts. */
  readonly byteLength: number;
  /** Paths of the files these lie in. */
  readonly sources: ReadonlySet<string>;
  /** What compiling will store, in one shard: its layout is known before any weight is read. */
  readonly planned: WeightIndex;
  readonly compile: (options: Omit<CompileOptions, 'precision'>) => Promise<WeightIndex>;
}

/** What a folder becomes. Everything that can be wrong with it but its weights is found before anything is written. */
export interface PackPlan {
  readonly kind: PackKind;
  readonly description: string;
  readonly precision: Precision;
  readonly imageSizes: readonly number[];
  readonly hasLearnedContexts: boolean;
  readonly parts: readonly PartPlan[];
  /** Published files to keep, by their path in the pack. */
  readonly files: ReadonlyMap<string, ByteSource>;
}

/** The files below `directory` (with its trailing slash), by their path there. */
export function within(folder: HubFolder, directory: string): HubFolder {
  const own = [...folder].filter(([path]) => path.startsWith(directory));
  return new Map(own.map(([path, source]) => [path.slice(directory.length), source]));
}

/** Bytes of all tensors of a checkpoint. */
export function publishedBytes({ tensors }: { tensors: ReadonlyMap<string, { readonly byteLength: number }> }): number {
  return [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Paths of the files that the tensors of a checkpoint lie in. */
export function publishedPaths({ tensors }: { tensors: ReadonlyMap<string, { readonly file: string }> }): Set<string> {
  return new Set([...tensors.values()].map(({ file }) => file));
}
