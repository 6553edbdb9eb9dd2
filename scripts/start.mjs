/** `npm start`: installs, builds and serves the app, and opens it where there is a display. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { hubEndpoints } from './hubEndpoints.mjs';
import { serve } from './serve.mjs';
import { build, install, ROOT, requireNode } from './setup.mjs';

const DEFAULT_PORT = 4173;

requireNode();
const hub = hubOrFail();
install();
if (!build()) fail('The build failed; see the message above.');
const port = Number(process.env.PORT || DEFAULT_PORT);
if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`PORT is "${process.env.PORT}", not a port number.`);
const { address } = await serve({ root: join(ROOT, 'dist'), port, hub }).catch((error) =>
  fail(`Cannot listen on port ${port}: ${error.message}. Choose another: PORT=8080 npm start`),
);
console.log(`\n  G-Refine is at ${address}   (Ctrl+C ends it)\n`);
if (hasDisplay()) openBrowser(address);

function hubOrFail() {
  try {
    return hubEndpoints(process.env.GREFINE_HUB);
  } catch (error) {
    return fail(error.message);
  }
}

/** @returns {never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}

function hasDisplay() {
  if (process.env.CI || process.env.NO_OPEN) return false;
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

function openBrowser(url) {
  const [command, ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform] ?? ['xdg-open'];
  // No browser to open is no failure: the address is printed above.
  spawn(command, [...args, url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
