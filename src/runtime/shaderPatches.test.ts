import { describe, expect, test } from 'vitest';
import { accumulateInFloat32, patchShader, zeroLoopVariables } from './shaderPatches.ts';

/*
 * Excerpts of shaders captured from onnxruntime-web 1.31.0-dev.20260914-8d85527a0 on a device with shader-f16; those of
 * other vendors by naming the vendor in the adapter's info. That whole patched shaders compile and compute rightly is what
 * the self-test shows in the browser (e2e/runtime.spec.ts).
 */

/** Patched lines of an excerpt, those that changed, without indentation. */
function changedLines(excerpt: string): string[] {
  const before = excerpt.split('\n');
  return accumulateInFloat32(excerpt)
    .split('\n')
    .filter((line, i) => line !== before[i])
    .map((line) => line.trim());
}

describe('variables without an initial value', () => {
  test("FlashAttention's, in loops", () => {
    const code = `
    for(var k_start = 0u; k_start < loop_bound; k_start += capped_sg_size) {
      var qk_1:vec4<qk_precision>;
      var k_local : array<q_value_t, 4>;
      for (var i = 0u; i < head_size_vec; i++) { qk_1[0] += dot(q_tile[i], k_local[i]); }`;
    expect(zeroLoopVariables(code)).toBe(`
    for(var k_start = 0u; k_start < loop_bound; k_start += capped_sg_size) {
      var qk_1 : vec4<qk_precision> = vec4<qk_precision>();
      var k_local : array<q_value_t, 4> = array<q_value_t, 4>();
      for (var i = 0u; i < head_size_vec; i++) { qk_1[0] += dot(q_tile[i], k_local[i]); }`);
  });

  test('leaves everything else as it is', () => {
    const code = `
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f16>>;
@group(0) @binding(4) var picture : texture_2d<f32>;
@group(0) @binding(5) var nearest : sampler;
var<workgroup> mm_Asub: array<array<vec4<a_element_t>, 8>, 32>;
var<private> o_tile : array<q_value_t, head_size_vec>;
fn main() { var kStart = 0; var previous_max : qk_precision = qk_min_value; }`;
    expect(zeroLoopVariables(code)).toBe(code);
  });
});

describe('float32 accumulation', () => {
  test('Gemm with a transposed matrix, tiles of vectors', () => {
    const changed = changedLines(`enable f16;
alias output_element_t = f16;
var<workgroup> mm_Asub: array<array<vec4<output_element_t>, 8>, 32>;
var<workgroup> mm_Bsub: array<array<vec4<output_element_t>, 8>, 32>;
  var acc: array<vec4<output_element_t>, rowPerThread>;
      mm_Asub[inputRow][inputCol] = mm_readA(batch, globalRow + innerRow, kStart / innerElementSize + inputCol);
      let BCached0 = mm_Bsub[tileCol * innerElementSize][k];
      let BCached1 =  mm_Bsub[tileCol * innerElementSize + 1][k];
        let ACached = mm_Asub[tileRow + i][k];
        acc[i].x += dot(ACached, BCached0);
    acc[innerRow] = output_element_t(uniforms.alpha) * acc[innerRow];
    mm_write(batch, globalRow + innerRow, globalCol, acc[innerRow]);`);
    expect(changed).toEqual([
      'var acc : array<vec4<f32>, rowPerThread>;',
      'let BCached0 = vec4<f32>(mm_Bsub[tileCol * innerElementSize][k]);',
      'let BCached1 = vec4<f32>(mm_Bsub[tileCol * innerElementSize + 1][k]);',
      'let ACached = vec4<f32>(mm_Asub[tileRow + i][k]);',
      'acc[innerRow] = uniforms.alpha * acc[innerRow];',
      'mm_write(batch, globalRow + innerRow, globalCol, vec4<output_element_t>(acc[innerRow]));',
    ]);
  });

  test('Conv2dMM of an image with three channels', () => {
    const changed = changedLines(`enable f16;
alias x_element_t = f16;
var<workgroup> mm_Asub: array<array<vec3<x_element_t>, 8>, 32>;
var<workgroup> mm_Bsub: array<array<vec4<x_element_t>, 8>, 24>;
  var acc: array<vec4<x_element_t>, rowPerThread>;
      let BCached0 = mm_Bsub[k * innerElementSize][tileCol];
        let ACached = mm_Asub[tileRow + i][k];
        acc[i] = BCached0 * ACached.x + acc[i];
    mm_write(batch, globalRow + innerRow, globalCol, acc[innerRow]);`);
    expect(changed).toEqual([
      'var acc : array<vec4<f32>, rowPerThread>;',
      'let BCached0 = vec4<f32>(mm_Bsub[k * innerElementSize][tileCol]);',
      'let ACached = vec3<f32>(mm_Asub[tileRow + i][k]);',
      'mm_write(batch, globalRow + innerRow, globalCol, vec4<x_element_t>(acc[innerRow]));',
    ]);
  });

  test('MatMul, tiles of single numbers', () => {
    const changed = changedLines(`enable f16;
alias a_element_t = f16;
var<workgroup> mm_Asub: array<array<a_element_t, 32>, 32>;
 var acc: array<array<a_element_t, colPerThread>, rowPerThread>;
      mm_Asub[inputRow][inputCol] = mm_readA(batch, globalRowStart + inputRow, kStart + inputCol, batchIndices);
var BCached: array<a_element_t, colPerThread>;
      BCached[inner] = mm_Bsub[k][tileCol + inner];
      let ACached = mm_Asub[tileRow + innerRow][k];
        acc[innerRow][innerCol] = acc[innerRow][innerCol] + ACached * BCached[innerCol];
    mm_write(batch, globalRow + innerRow, globalCol + innerCol, acc[innerRow][innerCol]);`);
    expect(changed).toEqual([
      'var acc : array<array<f32, colPerThread>, rowPerThread>;',
      'var BCached : array<f32, colPerThread>;',
      'BCached[inner] = f32(mm_Bsub[k][tileCol + inner]);',
      'let ACached = f32(mm_Asub[tileRow + innerRow][k]);',
      'mm_write(batch, globalRow + innerRow, globalCol + innerCol, a_element_t(acc[innerRow][innerCol]));',
    ]);
  });

  test("MatMulSubgroup, Intel's", () => {
    const changed = changedLines(`enable f16;
  var BCache: vec4<b_element_t>;
  var acc_0 = vec4<output_element_t>(0);
  var a_val_0 = a_value_t(0);
      acc_0 += subgroupBroadcast(a_val_0, 0) * BCache;
        acc_0 += aB_0[1] * BCache;
  mm_write(batch, globalRowStart + 0, globalColStart, acc_0);`);
    expect(changed).toEqual([
      'var acc_0 = vec4<f32>(0);',
      'acc_0 += f32(subgroupBroadcast(a_val_0, 0)) * vec4<f32>(BCache);',
      'acc_0 += f32(aB_0[1]) * vec4<f32>(BCache);',
      'mm_write(batch, globalRowStart + 0, globalColStart, vec4<output_element_t>(acc_0));',
    ]);
  });

  test("Im2ColMatMul, Intel's", () => {
    const excerpt = (type: string, product: string) => `enable f16;
alias src_value_t = ${type};
  var results : array<output_element_t, TILE_M_SIZE>;
      let weight_data = weight_tile[inner_k_idx][local_idx];
        results[m_idx] += output_element_t(${product});
    var output_data = results[m_idx] + bias;
    write_output(batch, m_base + m_idx, n_base, output_data);`;
    expect(changedLines(excerpt('vec4<f16>', 'dot(weight_data, src_tile[inner_k_idx][m_idx])'))).toEqual([
      'var results : array<f32, TILE_M_SIZE>;',
      'results[m_idx] += dot(vec4<f32>(weight_data), vec4<f32>(src_tile[inner_k_idx][m_idx]));',
      'var output_data = output_element_t(results[m_idx]) + bias;',
    ]);
    expect(changedLines(excerpt('vec4<f16>', 'dot(weight_data, subgroupShuffle(src_data, m_idx))'))[1]).toBe(
      'results[m_idx] += dot(vec4<f32>(weight_data), vec4<f32>(subgroupShuffle(src_data, m_idx)));',
    );
    expect(changedLines(excerpt('f16', 'weight_data * src_tile[inner_k_idx][m_idx]'))[1]).toBe(
      'results[m_idx] += f32(weight_data) * f32(src_tile[inner_k_idx][m_idx]);',
    );
  });

  test('FlashAttention', () => {
    const changed = changedLines(`enable f16;
alias q_value_t = vec4<f16>;
var<workgroup> v_tile : array<array<q_value_t, head_size_vec>, max_k_step>;
var<private> q_tile : array<q_value_t, head_size_vec>;
    q_tile[idx] = q[idx + offset] * alpha;
var<private> o_tile : array<q_value_t, head_size_vec>;
    output[offset + idx] = o_tile[idx];
    let o_ratio = q_element_t(dleft / d);
    let qk_1_value = q_value_t(qk_1);
        var sum = fetchVTile(0, i, val) * qk_1_value[0];
        sum += fetchVTile(1, i, val) * qk_1_value[1];
        o_tile[i] = o_tile[i] * o_ratio + sum;`);
    expect(changed).toEqual([
      'var<private> o_tile : array<vec4<f32>, head_size_vec>;',
      'output[offset + idx] = q_value_t(o_tile[idx]);',
      'let o_ratio = f32(dleft / d);',
      'let qk_1_value = vec4<f32>(qk_1);',
      'var sum = vec4<f32>(fetchVTile(0, i, val)) * qk_1_value[0];',
      'sum += vec4<f32>(fetchVTile(1, i, val)) * qk_1_value[1];',
    ]);
  });

  test("FlashAttention, Qualcomm's", () => {
    const changed = changedLines(`enable f16;
var<workgroup> o_tile_r : array<array<q_value_t, half_head_size_vec>, workgroup_size_x>;
var<private> o_tile : array<q_value_t, half_head_size_vec>;
    output[offset + idx] = o_tile[idx];
    output[offset + idx + half_head_size_vec] = o_tile_r[local_idx][idx];
        sum = subgroupShuffle(val, 0) * qk_1_value[0];
        sum += subgroupShuffle(val, 15) * qk_4_value[3];
        o_tile_r[local_idx][i] = o_tile_r[local_idx][i] * o_ratio + sum;`);
    expect(changed).toEqual([
      'var<workgroup> o_tile_r : array<array<vec4<f32>, half_head_size_vec>, workgroup_size_x>;',
      'var<private> o_tile : array<vec4<f32>, half_head_size_vec>;',
      'output[offset + idx] = q_value_t(o_tile[idx]);',
      'output[offset + idx + half_head_size_vec] = q_value_t(o_tile_r[local_idx][idx]);',
      'sum = vec4<f32>(subgroupShuffle(val, 0)) * qk_1_value[0];',
      'sum += vec4<f32>(subgroupShuffle(val, 15)) * qk_4_value[3];',
    ]);
  });

  test("FlashAttention, NVIDIA's and Apple's", () => {
    const changed = changedLines(`enable f16;
var<private> o_tile : array<q_value_t, head_size_vec>;
    output[offset + idx] = o_tile[idx];
    let o_ratio = q_element_t(dleft / d);
      var acc = q_value_t(0);
        acc += v_tile[k][i] * q_element_t(qk_scores[k]);
      o_tile[i] = o_tile[i] * q_element_t(o_ratio) + acc;`);
    expect(changed).toEqual([
      'var<private> o_tile : array<vec4<f32>, head_size_vec>;',
      'output[offset + idx] = q_value_t(o_tile[idx]);',
      'let o_ratio = f32(dleft / d);',
      'var acc = vec4<f32>(0);',
      'acc += vec4<f32>(v_tile[k][i]) * f32(qk_scores[k]);',
      'o_tile[i] = o_tile[i] * o_ratio + acc;',
    ]);
  });

  test('shaders without half precision, and others, stay as they are', () => {
    const fp32 = `
  var acc: array<vec4<output_element_t>, rowPerThread>;
var<workgroup> mm_Asub: array<array<vec4<output_element_t>, 8>, 32>;
    mm_write(batch, globalRow + innerRow, globalCol, acc[innerRow]);`;
    expect(accumulateInFloat32(fp32)).toBe(fp32);
    const other = 'enable f16;\nfn main() { var acc = vec2<f32>(0.0, 0.0); }';
    expect(accumulateInFloat32(other)).toBe(other);
  });
});

test('only the patches asked for are made', () => {
  const code = 'enable f16;\n var acc: array<array<f16, colPerThread>, rowPerThread>;\nvar x : f16;';
  expect(patchShader(code, new Set())).toBe(code);
  expect(patchShader(code, new Set(['zero loop variables']))).toContain('var x : f16 = f16();');
  const both = patchShader(code, new Set(['zero loop variables', 'float32 accumulation']));
  expect(both).toContain('array<array<f32, colPerThread>, rowPerThread>();');
  expect(both).toContain('var x : f16 = f16();');
});
