import { readdirSync, readFileSync } from 'node:fs';

/**
 * Watches the memory of the browser's renderer processes, which hold pages and workers, on Linux: all of it, shared memory
 * included, as the kernel counts it.
 * @returns tells `idleRss`, bytes at the start, and `peakRss`, the most there ever were; both 0 elsewhere
 */
export function watchRenderers() {
  const idle = renderers();
  return () => ({
    idleRss: sum(idle.map(({ rss }) => rss)),
    peakRss: sum(renderers().map(({ peak }) => peak)),
  });
}

/** Bytes of the browser's renderer processes now, as {@link watchRenderers} counts them; 0 where there is no Linux. */
export function rendererBytes() {
  return sum(renderers().map(({ rss }) => rss));
}

/** Renderers that descend from this process. */
function renderers() {
  if (process.platform !== 'linux') return [];
  const parents = new Map();
  const found = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const field = (name) => Number(status.match(new RegExp(`^${name}:\\s*(\\d+)`, 'm'))?.[1] ?? 0);
      parents.set(pid, String(field('PPid')));
      const isRenderer = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer');
      if (isRenderer) found.push({ pid, rss: field('VmRSS') * 1024, peak: field('VmHWM') * 1024 });
    } catch {
      // It has ended meanwhile.
    }
  }
  return found.filter(({ pid }) => {
    let ancestor = pid;
    while (ancestor && ancestor !== String(process.pid)) ancestor = parents.get(ancestor);
    return ancestor === String(process.pid);
  });
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
