import { UserError } from '../errors.ts';

/**
 * How V8, emscripten, onnxruntime's allocators and Dawn say that memory is full, or a tensor larger than any memory of theirs.
 * A tensor above `maxStorageBufferBindingSize` is bound in parts; of those there can be too many.
 */
const OUT_OF_MEMORY =
  /out of memory|bad_alloc|failed to allocate|allocation failed|could not allocate|cannot enlarge memory|larger than the max buffer size|storage size overflowed|too many storage buffers/i;

/** What onnxruntime threw, as an error that a user can act on where it is one. */
export function asUserError(error: unknown): unknown {
  if (error instanceof UserError) return error;
  return OUT_OF_MEMORY.test(messageOf(error)) ? outOfMemoryError(error) : error;
}

/** @param cause an error of onnxruntime or of WebGPU */
export function outOfMemoryError(cause: unknown): UserError {
  return new UserError(
    'OutOfMemoryError',
    `There is not enough memory for this model (${messageOf(cause)}). Close other tabs, choose a smaller image size or a pack of lower precision.`,
    { cause },
  );
}

/** A `GPUError` has a message but is no `Error`. */
function messageOf(error: unknown): string {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : String(error);
}
