/** The key that commands are given with on this machine. */
export const COMMAND_KEY = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl';

/** The keys of the screen, in groups, as the help dialog shows them; `useKeys` obeys them. */
export const KEYS: readonly {
  readonly title: string;
  readonly keys: readonly { readonly names: readonly string[]; readonly does: string }[];
}[] = [
  {
    title: 'Overlay',
    keys: [
      { names: ['P'], does: 'Perceptual quality' },
      { names: ['A'], does: 'Alignment quality' },
      { names: ['B'], does: 'Both' },
      { names: ['M'], does: 'Mask' },
      { names: ['N'], does: 'None' },
      { names: ['Space'], does: 'Original, while held' },
      { names: ['[', ']'], does: 'Opacity' },
      { names: ['S'], does: 'Absolute or relative' },
    ],
  },
  {
    title: 'Refine',
    keys: [
      { names: ['R'], does: 'Refine, or refine again' },
      { names: ['Esc'], does: 'Cancel' },
      { names: ['1', '2'], does: 'Result alone, slider' },
      { names: ['3', '4'], does: 'Side by side, difference' },
      { names: [`${COMMAND_KEY} Z`], does: 'Undo: back towards the original' },
      { names: [`${COMMAND_KEY} Shift Z`], does: 'Redo' },
      { names: [`${COMMAND_KEY} S`], does: 'Save the result, else the map in view' },
    ],
  },
  {
    title: 'Picture',
    keys: [
      { names: ['Z'], does: 'Fit' },
      { names: ['+', '−'], does: 'Zoom' },
      { names: ['0'], does: 'Actual size' },
      { names: ['Shift', '↑ ↓ ← →'], does: 'Move' },
      { names: ['I'], does: 'Read at a point, moved by arrows' },
    ],
  },
  {
    title: 'Images',
    keys: [
      { names: ['↑ ↓ ← →'], does: 'Through the strip' },
      { names: ['Delete'], does: 'Remove, in the strip' },
      { names: [`${COMMAND_KEY} O`], does: 'Open' },
      { names: [`${COMMAND_KEY} V`], does: 'Paste' },
    ],
  },
  {
    title: 'Work',
    keys: [
      { names: ['E'], does: 'Edit the prompt' },
      { names: ['Enter'], does: 'Analyse, in the prompt' },
      { names: ['?'], does: 'This help' },
    ],
  },
];
