import { abortError } from '../errors.ts';
import type { StageReport } from '../refine/refineStage.ts';
import type { RefineEvent, RefineStage } from './refinement.ts';

/** How a refinement tells what it does, and learns that it was cancelled. */
export interface RefineProgress {
  /** Tells steps done and to do in a stage. @throws AbortError once cancelled */
  step(stage: RefineStage, done: number, total: number): void;
  /** A sentence for the user, told at once and kept. */
  notice(text: string): void;
  /** What a stage of many steps tells. */
  report(stage: RefineStage): StageReport;
  /** Everything noticed so far. */
  readonly hints: readonly string[];
}

/** @param options.seedIndex told with every step */
export function refineProgress({
  seedIndex = 0,
  onEvent = () => {},
  signal = { aborted: false },
  pause = () => Promise.resolve(),
}: {
  readonly seedIndex?: number | undefined;
  readonly onEvent?: ((event: RefineEvent) => void) | undefined;
  readonly signal?: { readonly aborted: boolean } | undefined;
  readonly pause?: (() => Promise<void>) | undefined;
}): RefineProgress {
  const hints: string[] = [];
  const step = (stage: RefineStage, done: number, total: number) => {
    if (signal.aborted) throw abortError();
    onEvent({ type: 'step', stage, done, total, seedIndex });
  };
  const notice = (text: string) => {
    hints.push(text);
    onEvent({ type: 'notice', text });
  };
  return {
    step,
    notice,
    hints,
    report: (stage) => ({
      onStep: (done, total) => step(stage, done, total),
      onPreview: (preview) => onEvent({ type: 'preview', ...preview }),
      onNotice: notice,
      signal,
      pause,
    }),
  };
}
