/** Largest sizes of the two heaps since {@link watchHeaps}, in bytes. */
export interface HeapPeaks {
  /** 0 where the browser does not tell. */
  readonly js: number;
  /** All WebAssembly memories together; they never shrink. */
  readonly wasm: number;
}

/**
 * Starts to watch. Call it before onnxruntime is loaded: its WebAssembly memory is seen when it is made.
 * @returns stops watching and tells the peaks
 */
export function watchHeaps(): () => HeapPeaks {
  const memories = new Set<WebAssembly.Memory>();
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.add(this);
    }
  };
  for (const method of ['instantiate', 'instantiateStreaming'] as const) {
    const original = WebAssembly[method] as (...args: unknown[]) => Promise<unknown>;
    WebAssembly[method] = (async (...args: unknown[]) => {
      const made = (await original.apply(WebAssembly, args)) as WebAssembly.WebAssemblyInstantiatedSource &
        WebAssembly.Instance;
      for (const exported of Object.values((made.instance ?? made).exports)) {
        if (exported instanceof Memory) memories.add(exported);
      }
      return made;
    }) as never;
  }
  let js = 0;
  const sample = () => {
    const { memory } = performance as { memory?: { usedJSHeapSize: number } };
    js = Math.max(js, memory?.usedJSHeapSize ?? 0);
  };
  const timer = setInterval(sample, 20);
  return () => {
    sample();
    clearInterval(timer);
    return { js, wasm: [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0) };
  };
}
