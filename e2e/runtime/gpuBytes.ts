/** Counts the bytes of all GPU buffers alive, by wrapping their creation and destruction. Call before any device exists. */
export function countGpuBytes(): () => number {
  const sizes = new Map<GPUBuffer, number>();
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    sizes.set(buffer, descriptor.size);
    return buffer;
  };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function () {
    sizes.delete(this);
    return destroy.call(this);
  };
  return () => [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
