import type { PerceptualFactor } from '../quality/qualityResults.ts';
import type { Slice } from './appStore.ts';

/** What lies over the picture. `both`: the worse of PQ and AQ; `mask`: where that exceeds the threshold τ. */
export type Overlay = 'none' | 'perceptual' | 'alignment' | 'both' | 'mask';

/** `absolute`: 0 to 1 for every image; `relative`: the map's own lowest to highest value. */
export type Scale = 'absolute' | 'relative';

/**
 * How a result and what it came from are shown. `single`: the result; `slider`: both, parted by a line one can drag;
 * `difference`: what changed, amplified.
 */
export type StageView = 'single' | 'slider' | 'sideBySide' | 'difference';

/** What a result is compared with: the file, or what the latest refinement started from. */
export type CompareWith = 'original' | 'previous';

/** A panel that opens over the screen; at most one is open. */
export type Panel = 'machine' | 'packs' | 'export' | 'details' | 'calibration' | 'samples' | null;

/** The parts of the models' panel. */
export type ModelsTab = 'get' | 'installed' | 'source';

/** How the picture is looked at: nothing here changes a result. */
export interface ViewSlice {
  readonly overlay: Overlay;
  /** Opacity of the overlay, 0..1. */
  readonly opacity: number;
  readonly scale: Scale;
  /** The factor whose map stands in for the PQ-Map; null: the PQ-Map itself. */
  readonly factor: PerceptualFactor | null;
  /** Index of the phrase whose map stays on the picture. */
  readonly pinnedPhrase: number | null;
  /** Index of the phrase under the pointer or focus; its map shows while it is there. */
  readonly hoveredPhrase: number | null;
  /** While true, the original is shown and nothing lies over it. */
  readonly showOriginal: boolean;
  readonly view: StageView;
  readonly compareWith: CompareWith;
  /** Where the line of the slider is, 0..1 of the stage's width. */
  readonly divider: number;
  /** What differences are multiplied with. */
  readonly amplification: number;
  /** Index of the repaired region pointed at: it is outlined in the picture. */
  readonly hoveredRegion: number | null;
  readonly panel: Panel;
  readonly modelsTab: ModelsTab;
  readonly helpOpen: boolean;
  /** On narrow screens, whether the inspector's sheet is up. */
  readonly sheetOpen: boolean;

  setOverlay(overlay: Overlay): void;
  setOpacity(opacity: number): void;
  setScale(scale: Scale): void;
  /** Shows a factor's map, or the PQ-Map again where that factor is already shown. */
  toggleFactor(factor: PerceptualFactor): void;
  togglePinnedPhrase(index: number): void;
  hoverPhrase(index: number | null): void;
  setShowOriginal(show: boolean): void;
  setView(view: StageView): void;
  setCompareWith(compareWith: CompareWith): void;
  setDivider(divider: number): void;
  setAmplification(amplification: number): void;
  hoverRegion(index: number | null): void;
  setPanel(panel: Panel): void;
  /** Opens the models' panel at one of its parts. */
  showModels(tab: ModelsTab): void;
  setHelpOpen(open: boolean): void;
  setSheetOpen(open: boolean): void;
}

/** The view's part of the store. */
export const createViewSlice: Slice<ViewSlice> = (set, get, { preferences, remember }) => ({
  overlay: preferences.overlay,
  opacity: preferences.opacity,
  scale: preferences.scale,
  factor: null,
  pinnedPhrase: null,
  hoveredPhrase: null,
  showOriginal: false,
  view: preferences.view,
  compareWith: 'original',
  divider: 0.5,
  amplification: 8,
  hoveredRegion: null,
  panel: null,
  modelsTab: 'installed',
  helpOpen: false,
  sheetOpen: false,

  setOverlay: (overlay) => {
    // A pinned phrase would hide the map just asked for.
    set({ overlay, pinnedPhrase: null, factor: null });
    remember({ overlay });
  },
  setOpacity: (opacity) => {
    set({ opacity: Math.min(1, Math.max(0, opacity)) });
    remember({ opacity: get().opacity });
  },
  setScale: (scale) => {
    set({ scale });
    remember({ scale });
  },
  toggleFactor: (factor) =>
    set(
      get().factor === factor
        ? { factor: null }
        : // A map asked for is a map shown, whatever was over the picture before.
          { factor, pinnedPhrase: null, overlay: 'perceptual' },
    ),
  togglePinnedPhrase: (index) => {
    const { images, selectedId, pinnedPhrase } = get();
    const phrase = images.find(({ id }) => id === selectedId)?.alignment?.phrases[index]?.phrase;
    // A style has no place, hence no map that could stay.
    if (phrase?.scope === 'place') set({ pinnedPhrase: pinnedPhrase === index ? null : index });
  },
  hoverPhrase: (index) => set({ hoveredPhrase: index }),
  setShowOriginal: (show) => set({ showOriginal: show }),
  setView: (view) => {
    set({ view });
    remember({ view });
  },
  setCompareWith: (compareWith) => set({ compareWith }),
  setDivider: (divider) => set({ divider: Math.min(1, Math.max(0, divider)) }),
  setAmplification: (amplification) => set({ amplification }),
  hoverRegion: (hoveredRegion) => set({ hoveredRegion }),
  setPanel: (panel) => set({ panel }),
  showModels: (modelsTab) => set({ panel: 'packs', modelsTab }),
  setHelpOpen: (open) => set({ helpOpen: open }),
  setSheetOpen: (open) => set({ sheetOpen: open }),
});
