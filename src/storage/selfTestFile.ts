import type { SelfTestReport } from '../runtime/status.ts';

const FILE = 'self-tests.json';

/**
 * Keeps passed self-tests between visits: on a software GPU one takes many seconds. Losing them costs only time, so a file
 * that cannot be read or written is no error.
 */
export const selfTestFile = {
  async read(key: string): Promise<SelfTestReport | null> {
    return (await readAll())[key] ?? null;
  },

  async write(key: string, report: SelfTestReport): Promise<void> {
    try {
      const root = await navigator.storage.getDirectory();
      const writable = await (await root.getFileHandle(FILE, { create: true })).createWritable();
      await writable.write(JSON.stringify({ ...(await readAll()), [key]: report }));
      await writable.close();
    } catch {
      // Private windows have no such storage: the test runs again on the next visit.
    }
  },
};

async function readAll(): Promise<Record<string, SelfTestReport>> {
  try {
    const root = await navigator.storage.getDirectory();
    const file = await (await root.getFileHandle(FILE)).getFile();
    return JSON.parse(await file.text()) as Record<string, SelfTestReport>;
  } catch {
    return {};
  }
}
