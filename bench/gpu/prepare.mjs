/**
 * `npm run bench:gpu:prepare`: puts what `run.sh` needs on a Linux server (x64) with a GPU and Python with PyTorch, and nothing
 * else, into .cache/bench-gpu: Node, Dawn, onnxruntime-web, our compiler, and diffusers' wheels. See README.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** Dawn as a Node module. Not among package.json's dependencies: 150 MB unpacked, for this bench alone. */
const DAWN = 'webgpu@0.6.2';
/** The peer, with what a server with PyTorch may lack of its needs. */
const WHEELS = ['diffusers==0.42.1', 'importlib_metadata==8.7.0', 'zipp==3.23.0'];
/** Of xz. */
const LEVEL = '-6';
const MAX_BYTES = 60 * 2 ** 20;
/** UNets measured, of reference/fixtures/unet_full_size.json. */
const CONFIGS = { sd15: 'stable-diffusion-inpainting', sdxl: 'stable-diffusion-xl-1.0-inpainting-0.1' };
/** The same at a size for rehearsals. */
const TINY = { 'tiny-sd15': 'sd-inpainting-tiny', 'tiny-sdxl': 'sdxl-inpainting-tiny' };
/** Loaders that NVIDIA's Vulkan driver needs and a server without a display often lacks; a small part of a desktop's. */
const LOADERS = [
  'libvulkan.so.1 libEGL.so.1 libGLdispatch.so.0 libOpenGL.so.0 libGL.so.1 libGLX.so.0 libGLESv2.so.2',
  'libX11.so.6 libXext.so.6 libxcb.so.1 libXau.so.6 libXdmcp.so.6 libbsd.so.0 libmd.so.0',
].flatMap((line) => line.split(' '));
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib/x86_64-linux-gnu'];

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HERE = join(ROOT, 'bench/gpu');
const TARGET = join(ROOT, '.cache/bench-gpu');
const KEPT = join(ROOT, '.cache/bench-gpu-sources');

if (process.platform !== 'linux' || process.arch !== 'x64') {
  throw new Error('Prepare on Linux, x64: Node and the libraries are taken from this machine');
}
for (const folder of ['files', 'configs', 'wheels']) mkdirSync(join(TARGET, folder), { recursive: true });
mkdirSync(KEPT, { recursive: true });

for (const file of ['run.sh', 'run.py', 'unet_report.py', 'torch_unet.py'])
  copyFileSync(join(HERE, file), join(TARGET, file));
writeConfigs();
packLoaders();
await bundle();
const runtime = join(ROOT, 'node_modules/onnxruntime-web/dist');
for (const file of ['ort.webgpu.min.mjs', 'ort-wasm-simd-threaded.asyncify.mjs']) {
  copyFileSync(join(runtime, file), join(TARGET, 'files', file));
}
compress(join(runtime, 'ort-wasm-simd-threaded.asyncify.wasm'), 'ort-wasm-simd-threaded.asyncify.wasm');
compress(dawn(), 'dawn.node');
compress(process.execPath, 'node', { strip: true });
downloadWheels();

const bytes = sizeOf(TARGET);
console.log(`${TARGET}: ${(bytes / 2 ** 20).toFixed(1)} MiB`);
if (bytes > MAX_BYTES) throw new Error(`More than ${MAX_BYTES / 2 ** 20} MiB`);
console.log('On the server: bash .cache/bench-gpu/run.sh');

function writeConfigs() {
  const published = JSON.parse(readFileSync(join(ROOT, 'reference/fixtures/unet_full_size.json'), 'utf8'));
  for (const [name, model] of Object.entries(CONFIGS)) {
    writeFileSync(join(TARGET, `configs/${name}.json`), JSON.stringify(published[model].config));
  }
  for (const [name, folder] of Object.entries(TINY)) {
    copyFileSync(join(ROOT, `reference/fixtures/${folder}/unet/config.json`), join(TARGET, `configs/${name}.json`));
  }
}

function packLoaders() {
  const folder = join(KEPT, 'lib');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const library of LOADERS) {
    const found = LIBRARY_FOLDERS.map((place) => join(place, library)).find(existsSync);
    if (found) copyFileSync(found, join(folder, library));
    else console.warn(`This machine has no ${library}; the server has to have it`);
  }
  execFileSync('tar', ['-cJf', join(TARGET, 'lib.tar.xz'), '-C', folder, '.']);
}

/** Our compiler and the measuring process, as one file. */
async function bundle() {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    ssr: { noExternal: true },
    build: {
      ssr: join(HERE, 'ours.ts'),
      outDir: join(TARGET, 'files'),
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'ours.mjs', codeSplitting: false } },
    },
  });
}

/** @returns path of Dawn's Node module for Linux, x64 */
function dawn() {
  const file = join(KEPT, `${DAWN}.node`);
  if (existsSync(file)) return file;
  const folder = mkdtempSync(join(tmpdir(), 'dawn-'));
  try {
    const archive = execFileSync('npm', ['pack', DAWN, '--silent', '--pack-destination', folder], { encoding: 'utf8' });
    execFileSync('tar', ['-xzf', join(folder, archive.trim()), '-C', folder, 'package/dist/linux-x64/dawn.node']);
    cpSync(join(folder, 'package/dist/linux-x64/dawn.node'), file);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return file;
}

/** Writes files/NAME.xz, unless the same was compressed before: it takes minutes on a slow machine. */
function compress(source, name, { strip = false } = {}) {
  const { size, mtimeMs } = statSync(source);
  const target = join(TARGET, 'files', `${name}.xz`);
  const stamp = join(KEPT, `${name}.stamp`);
  const state = `${source} ${size} ${mtimeMs} ${LEVEL}`;
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  const copy = join(KEPT, name);
  copyFileSync(source, copy);
  // Debugging symbols, an eighth of Node; where there is no `strip` they stay.
  if (strip) spawnSync('strip', [copy]);
  console.log(`Compressing ${name}`);
  execFileSync('xz', ['-T0', LEVEL, '--force', copy]);
  copyFileSync(`${copy}.xz`, target);
  rmSync(`${copy}.xz`);
  writeFileSync(stamp, state);
}

function downloadWheels() {
  const missing = WHEELS.filter((wheel) => {
    const [name, version] = wheel.split('==');
    return !readdirSync(join(TARGET, 'wheels')).some((file) => file.startsWith(`${name}-${version}-`));
  });
  if (missing.length === 0) return;
  const python = process.env.PYTHON ?? 'python3';
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '-d', join(TARGET, 'wheels')];
  if (spawnSync(python, [...pip, ...missing], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) {
    console.warn(`Not downloaded: ${missing.join(', ')}; the server has to have diffusers, or bring the wheels`);
  }
}

function sizeOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
  }, 0);
}
