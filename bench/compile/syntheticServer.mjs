/**
 * A plugin for vite's server that serves `/synthetic/MODEL/DTYPE/NAME`: files of any size, whole or in ranges, made while they
 * are sent.
 */
export function syntheticServer() {
  const files = new Map();
  return {
    name: 'synthetic-checkpoints',
    configureServer(server) {
      const load = async (path) => {
        if (files.has(path)) return files.get(path);
        const { modelFiles } = await server.ssrLoadModule('/bench/compile/models.ts');
        const { syntheticCheckpoint } = await server.ssrLoadModule('/e2e/hub/syntheticCheckpoint.ts');
        const [model, dtype, name] = path.split('/').slice(1);
        const file = syntheticCheckpoint(modelFiles(model).find((file) => file.name === name).tensors, dtype);
        files.set(path, file);
        return file;
      };
      server.middlewares.use('/synthetic', async (request, response) => {
        const file = await load(request.url);
        const { rangeParts } = await server.ssrLoadModule('/e2e/hub/syntheticCheckpoint.ts');
        const range = request.headers.range?.match(/^bytes=(\d+)-(\d*)$/);
        const start = range ? Number(range[1]) : 0;
        const end = range?.[2] ? Number(range[2]) + 1 : file.byteLength;
        response.writeHead(range ? 206 : 200, {
          'Content-Type': 'application/octet-stream',
          'Content-Length': end - start,
          'Accept-Ranges': 'bytes',
          ETag: '"synthetic"',
          ...(range ? { 'Content-Range': `bytes ${start}-${end - 1}/${file.byteLength}` } : {}),
        });
        if (request.method !== 'HEAD') {
          for (const part of rangeParts(file, { start, end })) {
            if (response.destroyed) return;
            if (!response.write(part))
              await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
          }
        }
        response.end();
      });
    },
  };
}
