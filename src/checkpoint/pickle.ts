import { checkpointError, DOWNLOAD_AGAIN, quote } from './checkpointError.ts';
import { allowedGlobal } from './pickleGlobals.ts';
import { isKind, type PickleDict, type PickleStorage, type PickleTensor, type PickleValue } from './pickleValue.ts';

/** Longest pickle, in bytes; the one of SDXL's UNet has 0.3 MB. */
export const MAX_PICKLE_BYTES = 8_000_000;
/**
 * Most values a pickle may push, store or remember together; a state dict needs some 40 per tensor. Bytes alone do not
 * bound the memory: an opcode of one byte makes an object of a hundred.
 */
export const MAX_PICKLE_VALUES = 500_000;
/** Longest integer, in bytes. torch's generator states and the like stay far below. */
const MAX_INTEGER_BYTES = 256;
/** Longest module or name of a global. */
const MAX_LINE_BYTES = 1024;

const MARK = Symbol('mark');
type StackItem = PickleValue | typeof MARK;

/**
 * Reads a pickle (protocol 2 to 5) of the kind `torch.save` writes, and executes nothing: opcodes build plain data, the
 * few globals of `pickleGlobals.ts` are tokens, and calling one of them makes data again.
 * Opcodes: CPython's `pickletools`.
 * @param file for error messages
 * @throws {UserError} `CheckpointError`: any other global, by name; any other opcode; broken or exaggerated bytes
 */
export function unpickle(bytes: Uint8Array, file: string): PickleValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder('utf-8', { ignoreBOM: true });
  const stack: StackItem[] = [];
  const memo = new Map<number, PickleValue>();
  let at = 0;
  let values = 0;

  const damaged = (detail: string) => checkpointError(file, `its pickle ${detail} at byte ${at}; ${DOWNLOAD_AGAIN}`);
  if (bytes.byteLength > MAX_PICKLE_BYTES) {
    throw checkpointError(
      file,
      `its pickle has ${bytes.byteLength} bytes, expected at most ${MAX_PICKLE_BYTES}; save only the state dict`,
    );
  }

  /** Moves past `length` bytes and returns where they start. */
  function take(length: number): number {
    if (!(length <= bytes.byteLength - at)) throw damaged(`breaks off: ${length} bytes were expected`);
    const start = at;
    at += length;
    return start;
  }
  function takeBytes(length: number): Uint8Array {
    const start = take(length);
    return bytes.subarray(start, start + length);
  }
  const uint8 = () => view.getUint8(take(1));
  const uint16 = () => view.getUint16(take(2), true);
  const uint32 = () => view.getUint32(take(4), true);
  const uint64 = () => {
    const start = take(8);
    return view.getUint32(start, true) + view.getUint32(start + 4, true) * 2 ** 32;
  };
  function line(): string {
    const end = bytes.subarray(at, at + MAX_LINE_BYTES).indexOf(0x0a);
    if (end < 0) throw damaged('breaks off in a name');
    const start = take(end + 1);
    return text.decode(bytes.subarray(start, start + end));
  }
  /** Little-endian two's complement. */
  function integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) throw damaged(`has an integer of ${length} bytes`);
    let value = 0n;
    const digits = takeBytes(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i] as number);
    const signed = BigInt.asIntN(length * 8, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  function charge(count: number): void {
    values += count;
    if (values > MAX_PICKLE_VALUES) {
      throw checkpointError(file, `its pickle has more than ${MAX_PICKLE_VALUES} values; save only the state dict`);
    }
  }
  function push(item: StackItem): void {
    charge(1);
    stack.push(item);
  }
  function pop(): PickleValue {
    const item = stack.pop();
    if (item === undefined || item === MARK) throw damaged('takes from an empty stack');
    return item;
  }
  function top(): PickleValue {
    const item = pop();
    stack.push(item);
    return item;
  }
  function popMark(): PickleValue[] {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw damaged('takes from an empty stack');
    const items = stack.splice(mark) as PickleValue[];
    items.shift();
    return items;
  }
  function tuple(items: readonly PickleValue[]): void {
    push({ kind: 'tuple', items });
  }

  function pushBytes(length: number): void {
    // A view is several times as large as any other value.
    charge(4);
    push({ kind: 'bytes', bytes: takeBytes(length) });
  }

  function append(items: readonly PickleValue[]): void {
    const target = top();
    if (!isKind(target, 'list')) throw damaged('appends to what is not a list');
    charge(items.length);
    for (const item of items) target.items.push(item);
  }
  function setItems(items: readonly PickleValue[]): void {
    const target = top();
    if (!isKind(target, 'dict') || items.length % 2 !== 0) throw damaged('sets items of what is not a dict');
    charge(items.length);
    for (let i = 0; i < items.length; i += 2) {
      target.entries.push([items[i] as PickleValue, items[i + 1] as PickleValue]);
    }
  }

  function pushGlobal(module: string, name: string): void {
    const global = allowedGlobal(module, name);
    if (!global) {
      const reason = /^torch\.\w+Storage$/.test(`${module}.${name}`)
        ? 'an element type that is not read here; save the weights as float32'
        : 'which no state dict needs and which could run code; save only the state dict, or use the safetensors file of this model';
      throw checkpointError(file, `refuses global ${quote(`${module}.${name}`)}, ${reason}`);
    }
    push(global);
  }

  /** What a call makes of its arguments; the callee is a token, see `pickleGlobals.ts`. */
  function called(): PickleValue {
    const args = pop();
    const callee = pop();
    if (!isKind(callee, 'global') || !isKind(args, 'tuple')) throw damaged('calls what is not a global');
    const [first] = args.items;
    switch (callee.role) {
      case 'orderedDict':
        return orderedDict(args.items);
      case 'rebuildTensor':
        return rebuildTensor(args.items);
      case 'rebuildParameter':
        if (!isKind(first, 'tensor')) throw damaged('makes a parameter of what is not a tensor');
        return first;
      case 'size':
        if (args.items.length === 1 && isKind(first, 'tuple')) return first;
        throw damaged('makes a torch.Size of what is not a tuple');
      case 'trainerState':
        return callee;
      default:
        throw checkpointError(file, `calls ${quote(callee.name)}, which no state dict needs; save only the state dict`);
    }
  }

  function orderedDict(args: readonly PickleValue[]): PickleDict {
    const [pairs] = args;
    const dict: PickleDict = { kind: 'dict', entries: [] };
    if (pairs === undefined) return dict;
    if (args.length !== 1 || !isKind(pairs, 'list')) throw damaged('makes an OrderedDict of what is not a list');
    charge(pairs.items.length);
    for (const pair of pairs.items) {
      if (!(isKind(pair, 'tuple') || isKind(pair, 'list')) || pair.items.length !== 2) {
        throw damaged('makes an OrderedDict of what are not pairs');
      }
      dict.entries.push([pair.items[0] as PickleValue, pair.items[1] as PickleValue]);
    }
    return dict;
  }

  function rebuildTensor([storage, offset, shape, stride]: readonly PickleValue[]): PickleTensor {
    if (!isKind(storage, 'storage') || offset === undefined || shape === undefined || stride === undefined) {
      throw damaged('makes a tensor without a storage');
    }
    return { kind: 'tensor', storage, offset, shape, stride };
  }

  /** torch's only persistent ids: `('storage', type, key, location, count)`. */
  function persistentLoad(id: PickleValue): PickleStorage {
    const [tag, type, key, , count] = isKind(id, 'tuple') ? id.items : [];
    if (tag !== 'storage' || !isKind(type, 'global') || type.role !== 'storageType' || type.dtype === undefined) {
      throw damaged('refers to what is not a storage');
    }
    if (typeof key !== 'string' || typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
      throw damaged('refers to a storage without a key or length');
    }
    return { kind: 'storage', dtype: type.dtype, key, count };
  }

  if (bytes[0] !== 0x80) throw damaged('does not start with its protocol');
  for (;;) {
    const opcode = uint8();
    switch (opcode) {
      case 0x80: {
        // PROTO
        const protocol = uint8();
        if (protocol < 2 || protocol > 5) throw damaged(`has protocol ${protocol}, expected 2 to 5,`);
        break;
      }
      case 0x95: // FRAME: its length is a hint for readers from a pipe
        take(8);
        break;
      case 0x2e: // STOP
        return pop();

      case 0x28: // MARK
        push(MARK);
        break;
      case 0x30: // POP
        if (stack.pop() === undefined) throw damaged('takes from an empty stack');
        break;
      case 0x31: // POP_MARK
        popMark();
        break;
      case 0x32: // DUP
        push(top());
        break;

      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
        push(true);
        break;
      case 0x89: // NEWFALSE
        push(false);
        break;
      case 0x4a: // BININT
        push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        push(uint8());
        break;
      case 0x4d: // BININT2
        push(uint16());
        break;
      case 0x8a: // LONG1
        push(integer(uint8()));
        break;
      case 0x8b: // LONG4
        push(integer(uint32()));
        break;
      case 0x47: // BINFLOAT
        push(view.getFloat64(take(8), false));
        break;

      case 0x8c: // SHORT_BINUNICODE
        push(text.decode(takeBytes(uint8())));
        break;
      case 0x58: // BINUNICODE
        push(text.decode(takeBytes(uint32())));
        break;
      case 0x8d: // BINUNICODE8
        push(text.decode(takeBytes(uint64())));
        break;
      case 0x43: // SHORT_BINBYTES
      case 0x55: // SHORT_BINSTRING
        pushBytes(uint8());
        break;
      case 0x42: // BINBYTES
      case 0x54: // BINSTRING
        pushBytes(uint32());
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        pushBytes(uint64());
        break;

      case 0x29: // EMPTY_TUPLE
        tuple([]);
        break;
      case 0x74: // TUPLE
        tuple(popMark());
        break;
      case 0x85: // TUPLE1
        tuple([pop()]);
        break;
      case 0x86: // TUPLE2
        tuple([pop(), pop()].reverse());
        break;
      case 0x87: // TUPLE3
        tuple([pop(), pop(), pop()].reverse());
        break;
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        push({ kind: 'list', items: [] });
        break;
      case 0x91: // FROZENSET
        push({ kind: 'list', items: popMark() });
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        append(popMark());
        break;
      case 0x7d: // EMPTY_DICT
        push({ kind: 'dict', entries: [] });
        break;
      case 0x73: // SETITEM
        setItems([pop(), pop()].reverse());
        break;
      case 0x75: // SETITEMS
        setItems(popMark());
        break;

      case 0x71: // BINPUT
        charge(1);
        memo.set(uint8(), top());
        break;
      case 0x72: // LONG_BINPUT
        charge(1);
        memo.set(uint32(), top());
        break;
      case 0x94: // MEMOIZE
        charge(1);
        memo.set(memo.size, top());
        break;
      case 0x68: // BINGET
      case 0x6a: {
        // LONG_BINGET
        const remembered = memo.get(opcode === 0x68 ? uint8() : uint32());
        if (remembered === undefined) throw damaged('recalls what it has not stored');
        push(remembered);
        break;
      }

      case 0x63: // GLOBAL
        pushGlobal(line(), line());
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        const module = pop();
        if (typeof module !== 'string' || typeof name !== 'string') throw damaged('has a global without a name');
        pushGlobal(module, name);
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ: of these globals only classes, whose __new__ with arguments makes the same
        push(called());
        break;
      case 0x62: {
        // BUILD: the attributes of a state dict (`_metadata`) carry no weights, nor those of a trainer's state
        pop();
        const target = top();
        const isTrainerState = isKind(target, 'global') && target.role === 'trainerState';
        if (!isKind(target, 'dict') && !isTrainerState) throw damaged('sets attributes of what is not a dict');
        break;
      }
      case 0x51: // BINPERSID
        push(persistentLoad(pop()));
        break;
      default:
        throw damaged(`has opcode 0x${opcode.toString(16)}, which torch.save does not write,`);
    }
  }
}
