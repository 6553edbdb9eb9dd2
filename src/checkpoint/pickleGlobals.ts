import type { CheckpointDtype } from './checkpoint.ts';
import type { PickleGlobal } from './pickleValue.ts';

const STORAGE_TYPES: Readonly<Record<string, CheckpointDtype>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** Values of `torch.dtype` that a checkpoint may mention, say in its configuration; nothing is done with them. */
const DTYPES = new Set(
  (
    'float64 double float32 float float16 half bfloat16 int64 long int32 int int16 short int8 uint8 bool ' +
    'complex32 complex64 complex128 uint16 uint32 uint64 float8_e4m3fn float8_e5m2 quint8 qint8 qint32'
  ).split(' '),
);

/**
 * What trainers wrote beside the weights of the published `.ckpt` files: the class under which a callback keeps its state, and
 * numbers of numpy in it. They stay tokens, and calling one gives the token again; no tensor comes of them.
 */
const TRAINER_STATE = new Set([
  'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  'numpy.dtype',
  '_codecs.encode',
]);

/**
 * The only names a pickle may refer to. Everything else is refused by name before anything is made of it: a pickle is a
 * program, and these few, which are data here, are all that state dicts need.
 * @returns null: refused
 */
export function allowedGlobal(module: string, name: string): PickleGlobal | null {
  const path = `${module}.${name}`;
  switch (path) {
    case 'collections.OrderedDict':
      return { kind: 'global', name: path, role: 'orderedDict' };
    case 'torch._utils._rebuild_tensor_v2':
      return { kind: 'global', name: path, role: 'rebuildTensor' };
    case 'torch._utils._rebuild_parameter':
      return { kind: 'global', name: path, role: 'rebuildParameter' };
    case 'torch.Size':
      return { kind: 'global', name: path, role: 'size' };
    case 'torch.storage.UntypedStorage':
    case 'torch.storage.TypedStorage':
    case 'torch.storage._UntypedStorage':
    case 'torch.storage._TypedStorage':
      return { kind: 'global', name: path, role: 'storageType', dtype: 'untyped' };
  }
  if ((module === 'torch' || module === 'torch.cuda') && Object.hasOwn(STORAGE_TYPES, name)) {
    return { kind: 'global', name: path, role: 'storageType', dtype: STORAGE_TYPES[name] as CheckpointDtype };
  }
  if (TRAINER_STATE.has(path)) return { kind: 'global', name: path, role: 'trainerState' };
  if (module === 'torch' && DTYPES.has(name)) return { kind: 'global', name: path, role: 'dtype' };
  return null;
}
