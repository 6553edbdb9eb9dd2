/** The kernels of `gpuTensors.ts`. All walk over their numbers in strides, because a dispatch has at most 65,535 groups a side. */

/** Threads of a group; every adapter has at least 256. */
export const GROUP_SIZE = 256;

/** Sources that `combine` adds at a time: with the result five storage buffers, of the eight every adapter has. */
export const COMBINE_SOURCES = 4;

const WALK = /* wgsl */ `
@compute @workgroup_size(${GROUP_SIZE})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < walk.length; i += groups.x * ${GROUP_SIZE}u) { visit(i); }
}
`;

/** `result := own · result + Σ factors · sources`. What is not asked for is not read, so that its NaN cannot spread. */
export const COMBINE = /* wgsl */ `
struct Walk { length: u32, sources: u32, keeps: u32, own: f32, factors: vec4f }
@group(0) @binding(0) var<uniform> walk: Walk;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(2) var<storage, read> source0: array<f32>;
@group(0) @binding(3) var<storage, read> source1: array<f32>;
@group(0) @binding(4) var<storage, read> source2: array<f32>;
@group(0) @binding(5) var<storage, read> source3: array<f32>;

fn visit(i: u32) {
  var sum = 0.0;
  if (walk.keeps != 0u) { sum = walk.own * result[i]; }
  if (walk.sources > 0u) { sum += walk.factors.x * source0[i]; }
  if (walk.sources > 1u) { sum += walk.factors.y * source1[i]; }
  if (walk.sources > 2u) { sum += walk.factors.z * source2[i]; }
  if (walk.sources > 3u) { sum += walk.factors.w * source3[i]; }
  result[i] = sum;
}
${WALK}`;

/** Flags of {@link COPY_WINDOW}. */
export const WEIGHTED = 1;
export const ADDING = 2;

/** Copies a window between planes; `walk.length` is channels · height · width of the window. */
export const COPY_WINDOW = /* wgsl */ `
struct Walk {
  length: u32, width: u32, height: u32, flags: u32,
  from_start: u32, from_row: u32, from_plane: u32, pad0: u32,
  to_start: u32, to_row: u32, to_plane: u32, pad1: u32,
}
@group(0) @binding(0) var<uniform> walk: Walk;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(2) var<storage, read> source: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;

fn visit(i: u32) {
  let place = i % (walk.width * walk.height);
  let channel = i / (walk.width * walk.height);
  let x = place % walk.width;
  let y = place / walk.width;
  let to = walk.to_start + channel * walk.to_plane + y * walk.to_row + x;
  var value = source[walk.from_start + channel * walk.from_plane + y * walk.from_row + x];
  if ((walk.flags & ${WEIGHTED}u) != 0u) { value *= weights[place]; }
  if ((walk.flags & ${ADDING}u) != 0u) { value += result[to]; }
  result[to] = value;
}
${WALK}`;

/** Counts groups of bits that are NaN or infinite; by their bits, because compilers may take every number for finite. */
export const FIND_NON_FINITE = /* wgsl */ `
struct Walk { length: u32 }
@group(0) @binding(0) var<uniform> walk: Walk;
@group(0) @binding(1) var<storage, read_write> found: atomic<u32>;
@group(0) @binding(2) var<storage, read> source: array<u32>;

fn visit(i: u32) {
  if ((source[i] & 0x7f800000u) == 0x7f800000u) { atomicOr(&found, 1u); }
}
${WALK}`;
