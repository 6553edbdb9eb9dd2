/**
 * Changes to the text of onnxruntime's compute shaders (WGSL), each closing one numerical trap. Written against the
 * kernels of the pinned onnxruntime-web; what the text no longer matches is left as it is, and the self-test
 * (`selfTest.ts`) then fails. Pure functions of the text.
 */

/** A change of the shader text, by name. */
export type ShaderPatch = 'zero loop variables' | 'float32 accumulation';

/** All patches a kernel goes through, in this order. */
export function patchShader(code: string, patches: ReadonlySet<ShaderPatch>): string {
  let patched = code;
  if (patches.has('float32 accumulation')) patched = accumulateInFloat32(patched);
  if (patches.has('zero loop variables')) patched = zeroLoopVariables(patched);
  return patched;
}

/**
 * Gives every variable of a function that has no initial value one: `var x: T;` becomes `var x: T = T();`, which WGSL says
 * is the same. On Vulkan it is not: such a variable declared in a loop keeps its value from the iteration before
 * (seen with SwiftShader and lavapipe), which makes FlashAttention 3 to 9 % wrong, in float32 too.
 */
export function zeroLoopVariables(code: string): string {
  // `var<storage>` and its like have no space after `var`; textures and samplers have no zero value.
  return code.replace(
    /\bvar\s+(\w+)\s*:\s*(?!\s|texture_|sampler\b)([^;={}\n]+?)\s*;/g,
    (_, name: string, type: string) => `var ${name} : ${type} = ${type}();`,
  );
}

/**
 * Lets the float16 kernels of MatMul, Gemm, Conv and FlashAttention accumulate in float32, as every other backend does. As
 * written they add up thousands of products in float16: errors of percents, and Inf where a partial sum passes 65504.
 *
 * MatMulNBits needs no patch: onnxruntime has the option `enableMatmulFp32Accumulation` for it.
 */
export function accumulateInFloat32(code: string): string {
  if (!/^\s*enable f16;/m.test(code)) return code;
  for (const family of [tiledVectors, tiledScalars, subgroupTiles, imageToColumns, flashAttention]) {
    const patched = family(code);
    if (patched !== null) return patched;
  }
  return code;
}

/** Tiles of vec4 in workgroup memory: MatMul, Gemm, Conv2dMM, and their split-K forms. */
function tiledVectors(code: string): string | null {
  const type = /\bvar acc\s*:\s*array<(vec4<\w+>), rowPerThread>;/.exec(code)?.[1];
  const widthA = /\bvar<workgroup> mm_Asub\s*:\s*array<array<vec(\d)</.exec(code)?.[1];
  if (!type || !widthA) return null;
  const widths: Record<string, string> = { A: widthA, B: '4' };
  return code
    .replace(/\bvar acc\s*:\s*array<vec4<\w+>, rowPerThread>;/, 'var acc : array<vec4<f32>, rowPerThread>;')
    .replace(
      /= *(mm_([AB])sub(?:\[[^\]]*\])+);/g,
      (_, value: string, matrix: string) => `= vec${widths[matrix]}<f32>(${value});`,
    )
    .replace(ALPHA, '= uniforms.alpha * acc')
    .replace(/(\bmm_write\([^;]*, )(acc\[innerRow\])\);/g, `$1${type}($2));`)
    .replace(/(\bmm_write\([^;]*, )(acc\[innerRow\]\[i\])\);/g, '$1output_value_t($2));');
}

/** Tiles of single numbers: the same kernels where a dimension is no multiple of four. */
function tiledScalars(code: string): string | null {
  const type = /\bvar acc\s*:\s*array<array<(\w+), colPerThread>, rowPerThread>;/.exec(code)?.[1];
  if (!type) return null;
  return code
    .replace(/\bvar acc\s*:[^;]*;/, 'var acc : array<array<f32, colPerThread>, rowPerThread>;')
    .replace(/\bvar BCached\s*:[^;]*;/, 'var BCached : array<f32, colPerThread>;')
    .replace(/= *(mm_[AB]sub(?:\[[^\]]*\])+);/g, '= f32($1);')
    .replace(ALPHA, '= uniforms.alpha * acc')
    .replace(/(\bmm_write\([^;]*, )(acc\[innerRow\]\[innerCol\])\);/g, `$1${type}($2));`);
}

/** Gemm's factor, which the uniforms hold as float32. */
const ALPHA = /= *\w+\(uniforms\.alpha\) *\* *acc\b/g;

/** Rows shared by subgroup operations: MatMul on Intel's Xe2 and Xe3. */
function subgroupTiles(code: string): string | null {
  const type = /\bvar acc_0 = ([\w<>]+)\(0\);/.exec(code)?.[1];
  if (!type || !code.includes('subgroupBroadcast(a_val_0')) return null;
  const wide = type.startsWith('vec4<') ? 'vec4<f32>' : 'f32';
  return code
    .replace(/\bvar (acc_\d+) = [\w<>]+\(0\);/g, `var $1 = ${wide}(0);`)
    .replace(/\b(acc_\d+) \+= ([^;*]+) \* BCache;/g, `$1 += f32($2) * ${wide}(BCache);`)
    .replace(/(\bmm_write\([^;]*, )(acc_\d+)\);/g, `$1${type}($2));`);
}

/** Conv by image-to-column tiles, on Intel. */
function imageToColumns(code: string): string | null {
  const type = /\bvar results\s*:\s*array<(\w+), TILE_M_SIZE>;/.exec(code)?.[1];
  const source = /\balias src_value_t = (?:vec(\d)<)?f16/.exec(code);
  if (!type || !source) return null;
  const wide = source[1] ? `vec${source[1]}<f32>` : 'f32';
  return code
    .replace(/\bvar results\s*:\s*array<\w+, TILE_M_SIZE>;/, 'var results : array<f32, TILE_M_SIZE>;')
    .replace(
      /\bresults\[m_idx\] \+= \w+\(dot\(weight_data, ([^;]+)\)\);/g,
      `results[m_idx] += dot(${wide}(weight_data), ${wide}($1));`,
    )
    .replace(/\bresults\[m_idx\] \+= \w+\(weight_data \* ([^;]+)\);/g, 'results[m_idx] += f32(weight_data) * f32($1);')
    .replace(/\bvar output_data = results\[m_idx\]/g, `var output_data = ${type}(results[m_idx])`);
}

/**
 * FlashAttention: the general form, Qualcomm's, and NVIDIA's and Apple's. The softmax is in float32; but what has been weighed
 * so far is scaled for every tile of keys by a number close to 1, in float16. Over 4096 keys that makes 1.5 % of error, and from
 * 16384 on the number is 1 or a whole step of float16 less.
 */
function flashAttention(code: string): string | null {
  if (!/\bvar<private> o_tile\s*:\s*array<q_value_t,/.test(code)) return null;
  return code
    .replace(/\b(o_tile\s*:\s*array<)q_value_t,/, '$1vec4<f32>,')
    .replace(/\b(o_tile_r\s*:\s*array<array<)q_value_t,/, '$1vec4<f32>,')
    .replace(/= *(o_tile(?:_r\[local_idx\])?\[idx\]);/g, '= q_value_t($1);')
    .replace(/\bo_ratio = q_element_t\(dleft \/ d\);/, 'o_ratio = f32(dleft / d);')
    .replace(/\bq_element_t\(o_ratio\)/g, 'o_ratio')
    .replace(/\b(qk_\d_value) = q_value_t\((qk_\d)\);/g, '$1 = vec4<f32>($2);')
    .replace(/\b(fetchVTile\(\d+, i, val\)|subgroupShuffle\(val, \d+\)) \* /g, 'vec4<f32>($1) * ')
    .replace(/\bvar acc = q_value_t\(0\);/, 'var acc = vec4<f32>(0);')
    .replace(/\bacc \+= (v_tile\[k\]\[i\]) \* q_element_t\((qk_scores\[k\])\);/, 'acc += vec4<f32>($1) * f32($2);');
}
