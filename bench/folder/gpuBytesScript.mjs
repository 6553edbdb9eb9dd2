/** What a worker begins with to tell the bytes of its GPU buffers: as e2e/runtime/gpuBytes.ts, for a script that is built already. */
export const gpuBytesScript = `
if (globalThis.GPUDevice) {
  const sizes = new Map();
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
  const channel = new BroadcastChannel('bench-gpu-bytes');
  channel.onmessage = ({ data }) => {
    if (data === 'tell') channel.postMessage([...sizes.values()].reduce((sum, size) => sum + size, 0));
  };
}
`;
