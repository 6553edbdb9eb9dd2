/**
 * Chooses the browser that the tests run in and writes it to `.cache/browser.json`. In this order:
 * 1. the one named by GREFINE_BROWSER;
 * 2. on Debian as root: a Chromium whose WebGPU runs on the CPU *with* half-precision shaders, made here from packages;
 * 3. Playwright's own Chromium, where it can be downloaded;
 * 4. an installed Chromium or Chrome with SwiftShader: no half precision, and ten times slower.
 * Each is started and asked for its WebGPU adapter before it is chosen: one that is installed need not work.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const CACHE = join(ROOT, '.cache');
const CHOICE = join(CACHE, 'browser.json');
const CHROMIUM = '/usr/lib/chromium';
/** Mesa's first version whose CPU driver has 16-bit floats in shaders and passes the browser's checks. */
const MESA_MAJOR = 25;
const DOWNLOAD_TIMEOUT_MS = 180_000;
const START_TIMEOUT_MS = 120_000;

/** Compiled shaders are kept here, for all clones on a machine: compiling one takes seconds on a CPU. */
const SHADER_CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'g-refine', 'shaders');

/** Waits for another apt that is at work, but not for a network that is not there. */
const APT_OPTIONS = ['Dpkg::Use-Pty=0', 'DPkg::Lock::Timeout=120', 'Acquire::Retries=2', 'Acquire::http::Timeout=30'];

const SOFTWARE_GPU_ARGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-unsafe-swiftshader'];
const QUIET_ARGS = [
  '--no-sandbox',
  '--no-first-run',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const runtimeFolder = join(CACHE, 'xdg-runtime');
mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 });
mkdirSync(SHADER_CACHE, { recursive: true });

const choice = await firstThatWorks([named, cpuHalfPrecision, playwrightChromium, installedChromium]);
if (!choice) {
  console.error(
    'No browser for the tests. Set GREFINE_BROWSER to a Chromium or Chrome with WebGPU, or run on Debian as root, or with a network that reaches Playwright’s downloads.',
  );
  process.exit(1);
}
writeFileSync(CHOICE, `${JSON.stringify(choice, null, 2)}\n`);
console.log(
  `Test browser: ${choice.kind} ${choice.version} (${choice.executablePath}), ` +
    `half precision on its GPU: ${choice.hasF16 ? 'yes' : 'no'}`,
);

/** The first candidate that starts and has what it is there for, with its adapter's abilities. */
async function firstThatWorks(candidates) {
  for (const candidate of candidates) {
    const found = candidate();
    if (!found) continue;
    const { promises = [], discard, ...browser } = found;
    const launch = {
      ...browser,
      args: [...QUIET_ARGS, ...browser.args],
      env: { XDG_RUNTIME_DIR: runtimeFolder, MESA_SHADER_CACHE_DIR: SHADER_CACHE },
    };
    try {
      const { version, features } = await adapterOf(launch);
      const missing = promises.filter((promise) => !features?.includes(promise));
      if (missing.length === 0) return { ...launch, version, hasF16: features?.includes('shader-f16') ?? false };
      console.warn(`${browser.kind} has no ${missing.join(', ')} here.`);
    } catch (error) {
      console.warn(`${browser.kind} does not start here: ${error.message.split('\n', 1)[0]}`);
    }
    discard?.();
    if (candidate === named) process.exit(1);
  }
  return null;
}

/** Starts a browser; returns its version and its WebGPU adapter's features, null without an adapter. */
async function adapterOf({ executablePath, args, env }) {
  const browser = await chromium.launch({
    executablePath,
    args,
    env: { ...process.env, ...env },
    ignoreDefaultArgs: ['--disable-gpu'],
    timeout: START_TIMEOUT_MS,
  });
  try {
    const page = await browser.newPage();
    // WebGPU needs a secure context; localhost is one, and nothing needs to listen there.
    await page.route('**/*', (route) => route.fulfill({ body: '', contentType: 'text/html' }));
    await page.goto('http://localhost/');
    const features = await page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter();
      // 'core' stands for having an adapter at all.
      return adapter ? ['core', ...adapter.features] : null;
    });
    return { version: browser.version(), features };
  } finally {
    await browser.close();
  }
}

function named() {
  const executablePath = process.env.GREFINE_BROWSER;
  if (!executablePath) return null;
  if (!existsSync(executablePath)) {
    console.error(`GREFINE_BROWSER names "${executablePath}", which does not exist.`);
    process.exit(1);
  }
  const args = (process.env.GREFINE_BROWSER_ARGS ?? '--enable-unsafe-webgpu').split(' ').filter(Boolean);
  return { kind: 'named by GREFINE_BROWSER', executablePath, args };
}

/**
 * Chromium takes one CPU adapter only, SwiftShader, which has no half precision, and loads it from a library beside its
 * binary. A copy of Chromium gets a library of that name that forwards to Mesa's CPU driver (lavapipe), which has it.
 */
function cpuHalfPrecision() {
  // Debian's derivatives package Chromium otherwise.
  const isDebian = existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  if (!isDebian || process.getuid?.() !== 0) return null;
  try {
    installPackages();
    const target = join(CACHE, 'chromium-f16');
    const source = join(HERE, 'lavapipe_as_swiftshader.c');
    const wanted = createHash('sha256').update(readFileSync(source)).update(packageVersion('chromium')).digest('hex');
    const stamp = join(target, 'made-from.sha256');
    if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
      rmSync(target, { recursive: true, force: true });
      copyFolder(CHROMIUM, target);
      // They may be links into Chromium's own folder: replaced, never edited.
      rmSync(join(target, 'libvk_swiftshader.so'));
      rmSync(join(target, 'vk_swiftshader_icd.json'));
      const driver = {
        file_format_version: '1.0.0',
        ICD: { library_path: './libvk_swiftshader.so', api_version: '1.3.0' },
      };
      writeFileSync(join(target, 'vk_swiftshader_icd.json'), JSON.stringify(driver));
      run('cc', ['-shared', '-fPIC', '-O1', '-o', join(target, 'libvk_swiftshader.so'), source, '-ldl']);
      writeFileSync(stamp, wanted);
    }
    return {
      kind: 'Chromium on lavapipe (CPU, fp16)',
      executablePath: join(target, 'chromium'),
      args: SOFTWARE_GPU_ARGS,
      promises: ['shader-f16'],
      // A damaged copy is made anew by the next run.
      discard: () => rmSync(stamp, { force: true }),
    };
  } catch (error) {
    console.warn(`No Chromium with half precision on the CPU: ${error.message}`);
    return null;
  }
}

function installPackages() {
  const needed = ['chromium', 'libvulkan-dev', 'gcc', 'libc6-dev', 'mesa-vulkan-drivers'].filter(
    (name) => !packageVersion(name),
  );
  const old = () => Number.parseInt(packageVersion('mesa-vulkan-drivers') || '0', 10) < MESA_MAJOR;
  if (needed.length === 0 && !old()) return;
  console.log(`Installing ${[...needed, 'Mesa’s CPU driver'].join(', ')} …`);
  const apt = (...args) =>
    run('apt-get', ['-qq', ...APT_OPTIONS.flatMap((option) => ['-o', option]), ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  apt('update');
  if (needed.length > 0) apt('install', '-y', '--no-install-recommends', ...needed);
  if (old()) {
    // Debian 12 has a new enough Mesa in its backports.
    const codename = /VERSION_CODENAME=(\w+)/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    const list = '/etc/apt/sources.list.d/g-refine-backports.list';
    writeFileSync(list, `deb ${debianMirror()} ${codename}-backports main\n`);
    try {
      apt('update');
      apt('install', '-y', '--no-install-recommends', '-t', `${codename}-backports`, 'mesa-vulkan-drivers');
    } catch (error) {
      // A source that does not answer would break every later `apt-get update` on this machine.
      rmSync(list);
      throw error;
    }
  }
  if (old()) throw new Error(`Mesa ${packageVersion('mesa-vulkan-drivers')} is older than ${MESA_MAJOR}`);
}

/** The mirror that this machine already uses. */
function debianMirror() {
  const files = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter(existsSync);
  for (const file of files) {
    const found = /^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(\S+:\/\/\S+)/m.exec(readFileSync(file, 'utf8'));
    if (found) return found[1];
  }
  return 'http://deb.debian.org/debian';
}

function packageVersion(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const format = '${db:Status-Status} ${Version}';
  const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f', format, name], {
    encoding: 'utf8',
  });
  const [state, version = ''] = (stdout ?? '').trim().split(' ');
  return status === 0 && state === 'installed' ? version.replace(/^\d+:/, '') : '';
}

/** A copy by hard links where the file system allows: Chromium is 400 MB. */
function copyFolder(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from)) {
    const source = join(from, entry);
    const target = join(to, entry);
    if (statSync(source).isDirectory()) copyFolder(source, target);
    else {
      try {
        linkSync(source, target);
      } catch {
        cpSync(source, target, { dereference: true });
      }
    }
  }
}

function playwrightChromium() {
  const { status } = spawnSync('npx', ['playwright', 'install', 'chromium'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: DOWNLOAD_TIMEOUT_MS,
    shell: process.platform === 'win32',
  });
  const executablePath = chromium.executablePath();
  if (status !== 0 || !existsSync(executablePath)) return null;
  return {
    kind: 'Playwright’s Chromium',
    executablePath,
    args: process.platform === 'linux' ? SOFTWARE_GPU_ARGS : ['--enable-unsafe-webgpu'],
    promises: ['core'],
  };
}

function installedChromium() {
  const names = [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  const executablePath = names.find((path) => existsSync(path));
  return executablePath ? { kind: 'installed Chromium on SwiftShader', executablePath, args: SOFTWARE_GPU_ARGS } : null;
}

function run(command, args, options = {}) {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed: ${(stderr ?? '').trim().split('\n').slice(-3).join(' ')}`);
}
