import type { ShaderPatch } from './shaderPatches.ts';

/**
 * Two ten-line shaders that show whether this GPU and driver need a shader patch. Milliseconds, even on a software GPU.
 * @returns the patches that are needed
 */
export async function probeShaders(device: GPUDevice): Promise<Set<ShaderPatch>> {
  const needed = new Set<ShaderPatch>();
  const sums = await runProbe(device, LOOP_VARIABLES);
  // Every iteration adds up 3 ones from zero; a variable that keeps its value gives 3, 6, 9, 12.
  if (sums.some((sum) => sum !== 3)) needed.add('zero loop variables');
  if (device.features.has('shader-f16')) {
    const [sum] = await runProbe(device, HALF_SUM);
    // 2048 + 1 is 2048 in float16; 2060 where the compiler adds up in float32 of its own accord.
    if (sum !== 2060) needed.add('float32 accumulation');
  }
  return needed;
}

const BINDINGS = `
@group(0) @binding(0) var<storage, read_write> result : array<f32>;
@group(0) @binding(1) var<uniform> counts : vec4u;`;

/** `counts` keeps the compiler from working everything out itself. */
const COUNTS = [4, 3, 12, 0];

const LOOP_VARIABLES = `${BINDINGS}
@compute @workgroup_size(1) fn main() {
  for (var k = 0u; k < counts.x; k++) {
    var sum : vec4<f32>;
    for (var i = 0u; i < counts.y; i++) { sum[0] += 1.0; }
    result[k] = sum[0];
  }
}`;

const HALF_SUM = `enable f16;${BINDINGS}
@compute @workgroup_size(1) fn main() {
  var sum = f16(2048);
  for (var i = 0u; i < counts.z; i++) { sum += f16(counts.y) - 2h; }
  for (var k = 0u; k < counts.x; k++) { result[k] = f32(sum); }
}`;

/** Runs a probe shader; the first four numbers it wrote. */
async function runProbe(device: GPUDevice, code: string): Promise<number[]> {
  const byteLength = 16;
  const buffers: GPUBuffer[] = [];
  const buffer = (usage: GPUBufferUsageFlags) => {
    const made = device.createBuffer({ size: byteLength, usage });
    buffers.push(made);
    return made;
  };
  try {
    const result = buffer(GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    const counts = buffer(GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    const readable = buffer(GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    device.queue.writeBuffer(counts, 0, new Uint32Array(COUNTS));
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }) },
    });
    const entries = [result, counts].map((resource, binding) => ({ binding, resource: { buffer: resource } }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(result, 0, readable, 0, byteLength);
    device.queue.submit([encoder.finish()]);
    await readable.mapAsync(GPUMapMode.READ);
    return [...new Float32Array(readable.getMappedRange())];
  } finally {
    for (const made of buffers) made.destroy();
  }
}
