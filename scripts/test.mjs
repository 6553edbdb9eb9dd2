/**
 * `npm test`: sets up and runs every check, and prints `N passed, N failed` last. A failing stage does not stop the ones
 * after it, so that one run tells everything.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './serve.mjs';
import { build, install, ROOT, requireNode, runCommand } from './setup.mjs';
import { closingLine, countPlaywright, countVitest, total } from './testCounts.mjs';

const RESULTS = join(ROOT, '.cache', 'results');

requireNode();
install();
rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });

/** One check that passes or fails as a whole. */
const check = (run) => () => {
  const passed = run();
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
};

/** A test runner that writes a JSON report; one that dies without is one failure. */
const suite = (args, { report, count, env = {} }) => {
  const file = join(RESULTS, report);
  const succeeded = runCommand('npx', args, { env: { ...process.env, ...env } });
  try {
    const counts = count(JSON.parse(readFileSync(file, 'utf8')));
    return succeeded || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } catch (error) {
    console.error(`No report of ${args.join(' ')}: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
};

/** The tests of some projects of playwright.config.ts. */
const browserTests = (projects, report) =>
  suite(['playwright', 'test', '--reporter=list,json', ...projects.map((name) => `--project=${name}`)], {
    report,
    count: countPlaywright,
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: join(RESULTS, report), GREFINE_E2E_PORT: String(port) },
  });

// Another suite on this machine may have taken the usual ports.
const port = process.env.GREFINE_E2E_PORT ?? (await freePort(3));

const stages = {
  'type check': check(() =>
    ['tsconfig.json', 'tsconfig.pure.json', 'tsconfig.node.json']
      .map((project) => runCommand('npx', ['tsc', '-p', project]))
      .every(Boolean),
  ),
  lint: check(() => runCommand('npx', ['biome', 'check', '.'])),
  'unit tests': () =>
    suite(
      ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${join(RESULTS, 'unit.json')}`],
      { report: 'unit.json', count: countVitest },
    ),
  build: check(build),
  'test browser': check(() => runCommand(process.execPath, [join('e2e', 'browser', 'setup.mjs')])),
  'browser tests': () => browserTests(['app', 'hub'], 'e2e.json'),
  'heavy ones': () => browserTests(['heavy'], 'e2e-heavy.json'),
};

const counts = {};
for (const [name, run] of Object.entries(stages)) {
  console.log(`\n── ${name} ──`);
  const start = Date.now();
  counts[name] = { ...run(), seconds: Math.round((Date.now() - start) / 1000) };
}

console.log('');
for (const [name, { passed, failed, skipped, seconds }] of Object.entries(counts)) {
  console.log(
    `${failed ? '✗' : '✓'} ${name.padEnd(14)} ${passed} passed, ${failed} failed, ${skipped} skipped  (${seconds} s)`,
  );
}
const browser = join(ROOT, '.cache', 'browser.json');
if (existsSync(browser)) {
  const { kind, hasF16 } = JSON.parse(readFileSync(browser, 'utf8'));
  console.log(`  browser: ${kind}; half precision on its GPU: ${hasF16 ? 'yes' : 'no, tests of it are skipped'}`);
}
const sum = total(Object.values(counts));
console.log(closingLine(sum));
process.exit(sum.failed > 0 ? 1 : 0);
