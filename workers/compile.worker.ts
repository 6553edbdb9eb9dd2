/**
 * The worker that makes packs of published checkpoints, and checks and moves them: checkpoint → graph → OPFS. It owns no GPU;
 * the graphs themselves are built by the refine worker when it needs them.
 */
import '../src/trustedTypes.ts';
import { expose } from 'comlink';
import { packWorkerApi } from './packWorkerApi.ts';

expose(packWorkerApi());
