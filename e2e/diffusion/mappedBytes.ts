/** Counts bytes mapped for reading on any device, whoever does it. */
export function countMappedBytes(): () => number {
  let bytes = 0;
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (mode, ...range) {
    if (mode === GPUMapMode.READ) bytes += this.size;
    return mapAsync.call(this, mode, ...range);
  };
  return () => {
    GPUBuffer.prototype.mapAsync = mapAsync;
    return bytes;
  };
}
