/** The files below `blocks/` that this build of the app is served with; see scripts/blocksFiles.ts. */
declare const BLOCKS_FILES: readonly import('./bundles/blocks.ts').AppFile[];
