/** Line icons on a 16-px grid. */
const PATHS = {
  add: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.500l3.300 3.300L13 4.500',
  chevron: 'M4.500 6.500L8 10l3.500-3.500',
  up: 'M4.500 9.500L8 6l3.500 3.500',
  image: 'M2.500 3.500h11v9h-11zM2.500 10.500l3-3 3 3 2-2 3 3M10.500 6h.01',
  folder: 'M2 4.500c0-.6.4-1 1-1h3l1.500 1.500H13c.6 0 1 .4 1 1v5.500c0 .6-.4 1-1 1H3c-.6 0-1-.4-1-1z',
  save: 'M8 2.500v7.500M4.800 7L8 10.200 11.200 7M3 13.300h10',
  trash: 'M3 4.500h10M6.500 4.500V3h3v1.500M4.500 4.500l.6 8.500h5.800l.6-8.500',
  question: 'M6 6.200c0-1.200.9-2 2-2s2 .8 2 1.900c0 1.500-2 1.600-2 3.200M8 11.800h.01',
  missing: 'M8 14A6 6 0 108 2a6 6 0 000 12zM5.500 5.500l5 5M10.500 5.500l-5 5',
  wrongAttribute: 'M8 2.500L14.200 13H1.800zM8 6.500v3M8 11.300h.01',
  unwanted: 'M8 14A6 6 0 108 2a6 6 0 000 12zM3.800 3.800l8.400 8.400',
  tree: 'M3 12.500V9.500M8 12.500V4M13 12.500V9.500M3 9.500C3 7 4.500 6.500 8 6.500M13 9.500C13 7 11.500 6.500 8 6.500',
  style: 'M2.500 11c2-5 4-5 5.500-2.500S11.500 11 13.500 5',
  ok: 'M8 14A6 6 0 108 2a6 6 0 000 12zM5.200 8.200l2 2 3.600-4',
  alert: 'M8 14A6 6 0 108 2a6 6 0 000 12zM8 5v3.800M8 11h.01',
  clock: 'M8 14A6 6 0 108 2a6 6 0 000 12zM8 5v3.200l2 1.300',
  spinner: 'M8 2a6 6 0 11-6 6',
  fit: 'M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10',
  pin: 'M6 2.500h4M6.700 2.500v4L4.500 9h7L9.300 6.500v-4M8 9v4.500',
  edit: 'M3 13l.6-2.700 7-7 2.100 2.100-7 7z',
  chip: 'M4.500 4.500h7v7h-7zM6.500 4.500v-2M9.500 4.500v-2M6.500 13.500v-2M9.500 13.500v-2M4.500 6.500h-2M4.500 9.500h-2M13.500 6.500h-2M13.500 9.500h-2',
  cube: 'M8 2l5.200 3v6L8 14l-5.200-3V5zM2.800 5L8 8l5.200-3M8 8v6',
  refine:
    'M7.500 2.500l1.300 3.700 3.700 1.300-3.700 1.300-1.300 3.700-1.300-3.700L2.500 7.500l3.700-1.300zM12.800 10.500l.6 1.700 1.700.6-1.700.6-.6 1.700-.6-1.700-1.700-.6 1.700-.6z',
  undo: 'M6 3.500L3 6.500l3 3M3.500 6.500h5.700a3.300 3.300 0 010 6.600H6',
  redo: 'M10 3.500l3 3-3 3M12.500 6.500H6.800a3.300 3.300 0 000 6.600H10',
  single: 'M2.500 3.500h11v9h-11z',
  slider: 'M2.500 3.500h11v9h-11zM8 2v12M5.800 6.600L4.500 8l1.300 1.400M10.200 6.600L11.500 8l-1.300 1.400',
  sideBySide: 'M2 3.500h5v9H2zM9 3.500h5v9H9z',
  difference: 'M2.500 2.500h7.500v7.500H2.500zM6 6h7.500v7.500H6z',
  better: 'M8 13V3.500M4 7l4-4 4 4',
  worse: 'M8 3v9.500M4 9l4 4 4-4',
  same: 'M3.500 6.200h9M3.500 9.800h9',
  pause: 'M5.500 3.500v9M10.500 3.500v9',
  play: 'M5 3.200l7.500 4.800L5 12.800z',
  disk: 'M2.500 5.500h11v5h-11zM10.800 8h.01M5 8h2.500',
  outside: 'M6 3.500H3.500v9h9V10M9 3h4v4M13 3L7.500 8.500',
  copy: 'M2.500 4.500h3.500l1.500 1.500h6v7h-11zM8 8v3.500M6.500 10L8 11.500 9.500 10',
  refresh: 'M13 8a5 5 0 11-1.500-3.600M13 2.500v3h-3',
} as const;

/** Names of the icons. */
export type IconName = keyof typeof PATHS;

/** A decorative icon; what it says stands beside it in words or in a label. */
export function Icon({
  name,
  className,
  size = 16,
}: {
  name: IconName;
  className?: string | undefined;
  size?: number;
}) {
  return (
    <svg
      className={className}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
