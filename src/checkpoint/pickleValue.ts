import type { CheckpointDtype } from './checkpoint.ts';

/** What the restricted unpickler can make. No value of it can do anything; there are no methods to call. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleBytes
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleGlobal
  | PickleStorage
  | PickleTensor;

/** `bytes` (or a Python 2 `str`, which is the same). */
export interface PickleBytes {
  readonly kind: 'bytes';
  readonly bytes: Uint8Array;
}

export interface PickleTuple {
  readonly kind: 'tuple';
  readonly items: readonly PickleValue[];
}

/** `list` or `set`. */
export interface PickleList {
  readonly kind: 'list';
  readonly items: PickleValue[];
}

/** `dict` or `collections.OrderedDict`. The same key twice: the last counts, as in Python. */
export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: [key: PickleValue, value: PickleValue][];
}

/** One of the names a checkpoint may use, see `pickleGlobals.ts`. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly name: string;
  readonly role:
    | 'orderedDict'
    | 'rebuildTensor'
    | 'rebuildParameter'
    | 'size'
    | 'storageType'
    | 'dtype'
    | 'trainerState';
  /** Of a `storageType`. */
  readonly dtype?: CheckpointDtype | 'untyped';
}

/** Elements that lie in an entry of the archive: torch's persistent id `('storage', type, key, location, numel)`. */
export interface PickleStorage {
  readonly kind: 'storage';
  readonly dtype: CheckpointDtype | 'untyped';
  readonly key: string;
  /** Elements, as the pickle says. */
  readonly count: number;
}

/** A tensor as the pickle describes it; nothing of it is checked yet but the types. */
export interface PickleTensor {
  readonly kind: 'tensor';
  readonly storage: PickleStorage;
  readonly offset: PickleValue;
  readonly shape: PickleValue;
  readonly stride: PickleValue;
}

/** Whether a value is of one of the kinds above. */
export function isKind<K extends Exclude<PickleValue, null | boolean | number | bigint | string>['kind']>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}
