import { Slider, ToggleGroup } from 'radix-ui';
import type { Overlay, Scale } from '../store/viewSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Hint } from './Hint.tsx';
import { Icon } from './Icon.tsx';
import styles from './StageToolbar.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import type { PanZoom } from './usePanZoom.ts';
import { FACTOR_NAMES, OVERLAYS } from './words.ts';

const ZOOM_STEP = 1.25;

/** How the picture is looked at: overlay, opacity, scale, zoom. */
export function StageToolbar({ panZoom }: { panZoom: PanZoom }) {
  const store = useAppStore();
  const overlay = useApp((state) => state.overlay);
  const opacity = useApp((state) => state.opacity);
  const scale = useApp((state) => state.scale);
  const factor = useApp((state) => state.factor);
  const pinned = useApp((state) => state.pinnedPhrase !== null);
  const { setOverlay, setOpacity, setScale } = store.getState();
  const quietIcon = classes(controls.button, controls.quiet, controls.icon);

  return (
    <div className={styles.toolbar}>
      <ToggleGroup.Root
        type="single"
        className={styles.group}
        // While a phrase's map is pinned, none of these is what one sees.
        value={pinned ? '' : overlay}
        onValueChange={(value) => value && setOverlay(value as Overlay)}
        aria-label="Overlay"
      >
        {OVERLAYS.map(({ value, name, key, note }) => (
          <Hint
            key={value}
            text={
              <>
                {note} <kbd className={controls.key}>{key}</kbd>
              </>
            }
          >
            {/* The span keeps the hint's state apart from the toggle's: both write data-state. */}
            <span>
              <ToggleGroup.Item value={value} className={styles.item} aria-label={`${name}: ${note}`}>
                {value === 'perceptual' && factor ? `PQ: ${FACTOR_NAMES[factor].toLowerCase()}` : name}
              </ToggleGroup.Item>
            </span>
          </Hint>
        ))}
      </ToggleGroup.Root>

      <div className={classes(styles.opacity, overlay === 'none' && styles.off)}>
        <span id="opacity-label">Opacity</span>
        <Slider.Root
          className={styles.slider}
          value={[opacity * 100]}
          max={100}
          step={1}
          onValueChange={([value]) => value !== undefined && setOpacity(value / 100)}
        >
          <Slider.Track className={styles.track}>
            <Slider.Range className={styles.range} />
          </Slider.Track>
          <Slider.Thumb className={styles.thumb} aria-labelledby="opacity-label" />
        </Slider.Root>
        <output className={styles.number}>{Math.round(opacity * 100)}</output>
      </div>

      <ToggleGroup.Root
        type="single"
        className={styles.group}
        value={scale}
        onValueChange={(value) => value && setScale(value as Scale)}
        aria-label="Scale of the colours"
      >
        <Hint text="The same colours for every picture: 0 is bad, 100 is good">
          <span>
            <ToggleGroup.Item value="absolute" className={styles.item}>
              Absolute
            </ToggleGroup.Item>
          </span>
        </Hint>
        <Hint text="Stretched from this map's lowest to its highest value: shows where, not how bad">
          <span>
            <ToggleGroup.Item value="relative" className={styles.item}>
              Relative
            </ToggleGroup.Item>
          </span>
        </Hint>
      </ToggleGroup.Root>

      <div className={styles.zoom}>
        <button type="button" className={quietIcon} aria-label="Zoom out" onClick={() => panZoom.zoomBy(1 / ZOOM_STEP)}>
          <Icon name="minus" />
        </button>
        <Hint text="Actual size: one pixel of the picture on one of the screen">
          <button
            type="button"
            className={classes(controls.button, controls.quiet, styles.percent)}
            onClick={panZoom.actualSize}
            aria-label={`Zoom ${Math.round(panZoom.zoom * 100)} percent; show at actual size`}
          >
            {Math.round(panZoom.zoom * 100)} %
          </button>
        </Hint>
        <button type="button" className={quietIcon} aria-label="Zoom in" onClick={() => panZoom.zoomBy(ZOOM_STEP)}>
          <Icon name="add" />
        </button>
        <Hint
          text={
            <>
              Fit the picture <kbd className={controls.key}>Z</kbd>
            </>
          }
        >
          <button type="button" className={quietIcon} aria-label="Fit the picture" onClick={panZoom.fit}>
            <Icon name="fit" />
          </button>
        </Hint>
      </div>
    </div>
  );
}
