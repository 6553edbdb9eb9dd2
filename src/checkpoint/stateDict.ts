import { checkpointError, quote } from './checkpointError.ts';
import { isKind, type PickleDict, type PickleTensor, type PickleValue } from './pickleValue.ts';

/**
 * Keys under which trainers put the model's state dict beside other things, the first found wins: Lightning's and most
 * others' `state_dict`, BasicSR's averaged weights before the raw ones, DataParallel's `module`.
 */
const WRAPPERS = ['state_dict', 'model_state_dict', 'params_ema', 'params', 'model', 'module'];
/** Nested containers followed. */
const MAX_DEPTH = 32;
/** Values looked at: shared ones count each time, or ten nested pairs of references would be a thousand values. */
const MAX_VISITS = 500_000;
/** Longest text of all names together, in UTF-16 units: a long key may be shared by many. */
const MAX_NAME_LENGTH_TOTAL = 7_500_000;
/** Longest name written as bytes. */
const MAX_BYTES_KEY = 1024;

/**
 * The tensors of what `torch.save` stored, by name. A dict without tensors of its own that has one of the usual wrapper
 * keys is unwrapped, repeatedly; then nested containers are flattened, keys and indices joined by dots. Values that are not
 * tensors are left out.
 * @throws {UserError} `CheckpointError`: no tensors; two of one name; nested too deep
 */
export function flattenStateDict(root: PickleValue, file: string): Map<string, PickleTensor> {
  const tensors = new Map<string, PickleTensor>();
  let visits = 0;
  let nameLength = 0;

  function collect(value: PickleValue, name: string, depth: number): void {
    visits += 1 + (isKind(value, 'dict') ? value.entries.length : 0);
    if (visits > MAX_VISITS || depth > MAX_DEPTH) {
      throw checkpointError(file, `its values are nested too deeply at ${quote(name)}; save only the state dict`);
    }
    if (isKind(value, 'tensor')) {
      nameLength += name.length;
      if (nameLength > MAX_NAME_LENGTH_TOTAL) {
        throw checkpointError(
          file,
          `its names are longer than ${MAX_NAME_LENGTH_TOTAL} characters; save only the state dict`,
        );
      }
      const known = tensors.get(name);
      if (known && known !== value) {
        throw checkpointError(file, `it has two tensors ${quote(name)}; save only the state dict`);
      }
      tensors.set(name, value);
    } else if (isKind(value, 'dict')) {
      for (const [key, member] of lastEntries(value)) collect(member, join(name, key), depth + 1);
    } else if (isKind(value, 'list') || isKind(value, 'tuple')) {
      for (const [i, item] of value.items.entries()) collect(item, join(name, String(i)), depth + 1);
    }
  }

  const unwrapped = unwrap(root);
  collect(unwrapped, isKind(unwrapped, 'tensor') ? 'tensor' : '', 0);
  // The usual key may hold something else, such as a configuration.
  if (tensors.size === 0 && unwrapped !== root) collect(root, '', 0);
  if (tensors.size === 0) throw checkpointError(file, 'it holds no tensors; expected the state dict of a model');
  return tensors;
}

function unwrap(root: PickleValue): PickleValue {
  let value = root;
  for (let depth = 0; depth < MAX_DEPTH && isKind(value, 'dict'); depth++) {
    const members = lastEntries(value);
    if ([...members.values()].some((member) => isKind(member, 'tensor'))) break;
    const inner = WRAPPERS.map((key) => members.get(key)).find(
      (member) => isKind(member, 'dict') && member.entries.length > 0,
    );
    if (inner === undefined) break;
    value = inner;
  }
  return value;
}

/** The entries whose keys can be part of a name; of equal keys the last, as in Python. */
function lastEntries(dict: PickleDict): Map<string, PickleValue> {
  const members = new Map<string, PickleValue>();
  for (const [key, value] of dict.entries) {
    if (typeof key === 'string') members.set(key, value);
    else if (typeof key === 'number') members.set(String(key), value);
    // Python 2 wrote names as bytes.
    else if (isKind(key, 'bytes') && key.bytes.length <= MAX_BYTES_KEY) {
      members.set(String.fromCharCode(...key.bytes), value);
    }
  }
  return members;
}

function join(prefix: string, key: string): string {
  return prefix === '' ? key : `${prefix}.${key}`;
}
