import type { UserErrorName } from '../errors.ts';
import type { Tier } from '../runtime/status.ts';

/** What was being done when something went wrong. */
export type ProblemContext =
  | 'start'
  | 'switchTier'
  | 'open'
  | 'analyse'
  | 'refine'
  | 'save'
  | 'install'
  | 'packs'
  | 'verify'
  | 'repair'
  | 'exportPack'
  | 'import'
  | 'calibrate'
  | 'batch'
  | 'export';

/** An error as the interface keeps it: plain data, whatever side of the worker boundary it came from. */
export interface Problem {
  /** The error's `name`; a {@link UserErrorName} where a user can act on it. */
  readonly name: string;
  readonly message: string;
  readonly during: ProblemContext;
}

/** What a remedy button does. */
export type Remedy =
  | 'retry'
  | 'useProcessor'
  /** More exact numbers: 32 bits on the GPU, else the processor; then the same again. */
  | 'useExactNumbers'
  /** Refinement settings as on a first visit. */
  | 'resetRefineSettings'
  | 'addModel'
  | 'getModels'
  | 'openImages'
  | 'showMachine'
  | 'showPacks'
  | 'showSave'
  /** Goes to the folder's page. */
  | 'showBatch'
  /** Goes on with the installation where it stopped. */
  | 'resumeInstall'
  /** Where models are fetched from, and as whom. */
  | 'showSource'
  | 'restartWorkers';

/** A problem in words: what happened, what it means for the image, and the one thing to do. */
export interface Advice {
  readonly title: string;
  readonly meaning: string;
  readonly remedy: Remedy;
  readonly label: string;
  /** `todo`: nothing went wrong, something is still to be done. Default `error`. */
  readonly tone?: 'error' | 'todo';
}

/** Makes a {@link Problem} of anything thrown. */
export function toProblem(error: unknown, during: ProblemContext): Problem {
  return error instanceof Error
    ? { name: error.name, message: error.message, during }
    : { name: 'Error', message: String(error), during };
}

/** Whether the error is a cancelled job, which is no problem. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

const KEPT = 'Your image and prompt are kept.';

/** The one place that knows the remedy of every error a user can act on. */
const ADVICE: Readonly<Record<UserErrorName, Advice>> = {
  WebGpuUnavailableError: {
    title: 'This browser gives no access to a GPU',
    meaning: `Everything also works on the processor, only slower. ${KEPT}`,
    remedy: 'useProcessor',
    label: 'Use the processor',
  },
  TierUnavailableError: {
    title: 'That way of computing does not work on this machine',
    meaning: `What was in use before stays in use. ${KEPT}`,
    remedy: 'showMachine',
    label: 'See what works here',
  },
  DeviceLostError: {
    title: 'The GPU was reset by the system',
    meaning: `Only the running analysis was lost. ${KEPT} The next run starts on a fresh device.`,
    remedy: 'retry',
    label: 'Run again',
  },
  OutOfMemoryError: {
    title: 'There was not enough memory',
    meaning: `The analysis stopped. ${KEPT} The processor has more memory to work with than the GPU.`,
    remedy: 'useProcessor',
    label: 'Try on the processor',
  },
  DownloadError: {
    title: 'The download did not finish',
    meaning: `What has arrived is kept, and it goes on from there. ${KEPT}`,
    remedy: 'retry',
    label: 'Try again',
  },
  CheckpointError: {
    title: 'The model files cannot be read',
    meaning: `Nothing was installed. ${KEPT}`,
    remedy: 'addModel',
    label: 'Choose another folder',
  },
  UnsupportedModelError: {
    title: 'This kind of model is not supported',
    meaning: `Nothing was installed. CLIP, Stable Diffusion inpainting, SDXL inpainting and PASD in the hub layout are. ${KEPT}`,
    remedy: 'addModel',
    label: 'Choose another folder',
  },
  PackMissingError: {
    title: 'No model is installed yet',
    meaning: `A CLIP model is needed to see what is wrong with the image. Image and prompt wait for it.`,
    remedy: 'getModels',
    label: 'Get models',
    tone: 'todo',
  },
  NumbersError: {
    title: 'The model computed no picture',
    meaning: `Its numbers grew beyond what this precision holds. ${KEPT} The processor computes with full precision.`,
    remedy: 'useProcessor',
    label: 'Try on the processor',
  },
  ImageError: {
    title: 'This image cannot be opened',
    meaning: 'The file itself is untouched, and the other images stay as they are.',
    remedy: 'openImages',
    label: 'Open another image',
  },
  TableError: {
    title: 'This table cannot be used',
    meaning: 'Nothing was changed. Correct the table, or choose another.',
    remedy: 'retry',
    label: 'Try again',
  },
  StorageError: {
    title: "The browser's storage refused",
    meaning: `What was installed before is kept. ${KEPT} Removing a model makes room.`,
    remedy: 'showPacks',
    label: 'Manage models',
  },
};

const UNEXPECTED: Advice = {
  title: 'Something unexpected stopped this',
  meaning: `${KEPT} Restarting the engine takes a few seconds.`,
  remedy: 'restartWorkers',
  label: 'Restart and try again',
};

const REFINE_KEPT = 'Picture, prompt and earlier results are kept.';

/** What an interrupted installation has lost. */
const FETCHED_KEPT = 'What was fetched is kept: Resume goes on where it stopped.';

/** A repository that wants to know who asks. */
const GATED: Partial<Advice> = {
  title: 'The authors of this model want to know who downloads it',
  meaning: `Accept its licence on its page, then give an access token of the same account. ${FETCHED_KEPT}`,
  remedy: 'showSource',
  label: 'Enter an access token',
};

/** Half precision ran over: wider numbers do not. */
const EXACT_NUMBERS: Partial<Advice> = {
  title: 'The numbers ran over on this device',
  meaning: `It stopped before a spoiled picture could come of it. ${REFINE_KEPT} More exact numbers are slower and safe.`,
  remedy: 'useExactNumbers',
  label: 'Refine with exact numbers',
};

/** On the processor numbers are as wide as they get: it is the model. */
const NO_WIDER_NUMBERS: Partial<Advice> = {
  title: 'This model gives no picture',
  meaning: `It stopped before a spoiled picture could come of it. ${REFINE_KEPT} The processor computes with the widest numbers there are, so it is the model or its files; adding it again, or another one, may help.`,
  remedy: 'showPacks',
  label: 'Choose another model',
};

/** Where the same error means something else for what was being done. */
const SPECIAL: Partial<Record<ProblemContext, Partial<Record<UserErrorName, Partial<Advice>>>>> = {
  install: {
    OutOfMemoryError: {
      meaning: `What was done is kept. A smaller precision needs less memory.`,
      remedy: 'addModel',
      label: 'Choose a smaller precision',
    },
    DownloadError: {
      title: 'The download stopped',
      meaning: FETCHED_KEPT,
      remedy: 'resumeInstall',
      label: 'Resume',
    },
    StorageError: {
      meaning: `${FETCHED_KEPT} Deleting models you no longer use makes room.`,
      label: 'Make room',
    },
  },
  verify: {
    StorageError: {
      title: 'The check could not read the model',
      meaning: 'Nothing was changed.',
      remedy: 'retry',
      label: 'Check again',
    },
  },
  repair: {
    DownloadError: {
      title: 'The repair stopped',
      meaning: 'What was repaired stays so; the rest is as it was.',
      remedy: 'retry',
      label: 'Repair again',
    },
    CheckpointError: {
      title: 'These are not the files it was made from',
      meaning: 'The model is as it was.',
      remedy: 'addModel',
      label: 'Choose another folder',
    },
    UnsupportedModelError: {
      title: 'These are not the files it was made from',
      meaning: 'The model is as it was.',
      remedy: 'addModel',
      label: 'Choose another folder',
    },
    StorageError: { title: 'The repair could not be written', meaning: 'Deleting another model makes room.' },
  },
  exportPack: {
    StorageError: {
      title: 'The folder could not be written',
      meaning: 'The model is still here. Another folder or disk may have room.',
      remedy: 'retry',
      label: 'Choose another folder',
    },
  },
  import: {
    CheckpointError: {
      title: 'This exported model is not complete',
      meaning: 'Nothing was installed. Copy the whole folder again, then choose it.',
      remedy: 'addModel',
      label: 'Choose its folder',
    },
    StorageError: {
      meaning: 'Nothing was installed. Deleting models you no longer use makes room.',
      label: 'Make room',
    },
  },
  batch: {
    ImageError: {
      title: 'The original is not at hand',
      meaning:
        'All results are kept. Browsers let a page read a folder again only when it is dropped or allowed once more.',
      remedy: 'showBatch',
      label: 'Back to the folder',
    },
    StorageError: {
      title: 'The results of this folder cannot be kept or read',
      meaning: 'What is on the disk stays there.',
      remedy: 'showBatch',
      label: 'Back to the folder',
    },
  },
  refine: {
    DeviceLostError: {
      meaning: `It was tried again on a fresh device and lost once more. ${REFINE_KEPT}`,
      label: 'Refine again',
    },
    OutOfMemoryError: {
      title: 'The models need more memory than there is',
      meaning: `Smaller pieces were tried already. ${REFINE_KEPT} The same model at 8 or 4 bits needs a half or a quarter.`,
      remedy: 'showPacks',
      label: 'Choose smaller models',
    },
    TierUnavailableError: EXACT_NUMBERS,
    NumbersError: EXACT_NUMBERS,
    PackMissingError: {
      title: 'A model is missing',
      meaning: `A refinement needs CLIP and a model that repairs. ${REFINE_KEPT}`,
    },
    CheckpointError: {
      title: 'An installed model cannot be read',
      meaning: `Adding it again makes it whole. ${REFINE_KEPT}`,
      remedy: 'showPacks',
      label: 'Manage models',
    },
    UnsupportedModelError: {
      title: 'These models do not work together',
      meaning: `${REFINE_KEPT} Another model of the same kind may.`,
      remedy: 'showPacks',
      label: 'Choose another model',
    },
    ImageError: { title: 'This picture cannot be refined', meaning: REFINE_KEPT },
    StorageError: { title: "The browser's storage refused", meaning: `${REFINE_KEPT} Removing a model makes room.` },
  },
  calibrate: {
    ImageError: {
      title: 'None of the images can be opened',
      meaning: 'Nothing was changed.',
      remedy: 'retry',
      label: 'Try again',
    },
    StorageError: {
      title: 'The calibration could not be kept',
      meaning: 'It is still here. Removing a model makes room.',
    },
  },
  save: {
    ImageError: {
      title: 'The picture could not be written',
      meaning: 'It is still here. Another format may work.',
      remedy: 'showSave',
      label: 'Choose another format',
    },
    OutOfMemoryError: {
      title: 'There was not enough memory to write the picture',
      meaning: 'It is still here. JPEG needs the least.',
      remedy: 'showSave',
      label: 'Choose another format',
    },
    StorageError: {
      title: 'The file could not be written',
      meaning: 'The picture is still here; another place may work.',
      remedy: 'showSave',
      label: 'Save again',
    },
  },
};

/**
 * The words and the remedy for a problem; one for every name, a restart for names it does not know.
 *
 * @param options.tier in use; null: none, or not known
 */
export function adviceFor(problem: Problem, { tier = null }: { readonly tier?: Tier | null } = {}): Advice {
  const advice = Object.hasOwn(ADVICE, problem.name) ? ADVICE[problem.name as UserErrorName] : UNEXPECTED;
  const special = Object.hasOwn(SPECIAL, problem.during) ? SPECIAL[problem.during] : undefined;
  const part = special && Object.hasOwn(special, problem.name) ? special[problem.name as UserErrorName] : undefined;
  // Of an error from a worker, only the name and the words arrive.
  const isGated = problem.name === 'DownloadError' && /access token/.test(problem.message);
  const isWidest = problem.name === 'NumbersError' && tier === 'wasm';
  return { ...advice, ...(isWidest ? NO_WIDER_NUMBERS : part), ...(isGated ? GATED : {}) };
}
