/** What `npm start` and `npm test` share: the right Node, the packages installed, the app built. No dependencies. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Everything the built app depends on. */
const BUILD_INPUTS = [
  'src',
  'workers',
  'public',
  'scripts',
  'index.html',
  'vite.config.ts',
  'package-lock.json',
  'tsconfig.json',
];

/** Ends the process with a sentence where Node is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`G-Refine needs Node 20.19 or newer; this is ${process.version}. Get one from https://nodejs.org`);
  process.exit(1);
}

/** What the last install and the last build were made from. They lie in what they describe: deleted with it. */
const STAMPS = {
  install: join(ROOT, 'node_modules', '.g-refine-install.sha256'),
  build: join(ROOT, 'dist', '.g-refine-build.sha256'),
};

/** Runs a command in the project's folder with its output shown; returns whether it succeeded. */
export function runCommand(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    // On Windows, npm and npx are scripts that only a shell runs.
    shell: process.platform === 'win32' && command !== process.execPath,
    ...options,
  });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/** Installs the locked packages unless that has been done for this lock file. Exits where it fails. */
export function install() {
  const wanted = hashOf(['package-lock.json', '.npmrc']);
  if (stamp('install') === wanted) return;
  console.log('Installing packages …');
  // The tools that build are development dependencies; NODE_ENV=production would leave them out.
  if (!runCommand('npm', ['ci', '--no-audit', '--no-fund', '--include=dev'])) {
    console.error(
      'Installing the packages failed; see npm’s message above. Check the network and run the command again.',
    );
    process.exit(1);
  }
  setStamp('install', wanted);
}

/** Builds the app into `dist` unless it is there for these sources. Returns whether there is a build. */
export function build() {
  const wanted = hashOf(BUILD_INPUTS);
  if (stamp('build') === wanted) return true;
  console.log('Building the app …');
  if (!runCommand('npx', ['vite', 'build'])) return false;
  setStamp('build', wanted);
  return true;
}

function stamp(name) {
  return existsSync(STAMPS[name]) ? readFileSync(STAMPS[name], 'utf8') : null;
}

function setStamp(name, value) {
  writeFileSync(STAMPS[name], value);
}

function hashOf(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    const full = join(ROOT, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) {
      for (const entry of readdirSync(full).sort()) add(join(path, entry));
      return;
    }
    hash.update(`${path}\0`).update(readFileSync(full)).update('\0');
  };
  for (const path of paths) add(path);
  return hash.digest('hex');
}
