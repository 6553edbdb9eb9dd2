import { ToggleGroup } from 'radix-ui';
import { useState } from 'react';
import { maskGrid, repairMask } from '../refine/repairMask.ts';
import { BRUSH_SIZES, type BrushTool, handMaskOf, maskedShare } from '../store/handMaskSlice.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import controls from './controls.module.css';
import styles from './RefinePanel.module.css';
import { NumberField } from './SettingFields.tsx';
import segments from './StageToolbar.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import { percent } from './words.ts';

const TOOLS: readonly { readonly value: BrushTool; readonly name: string }[] = [
  { value: 'paint', name: 'Paint' },
  { value: 'erase', name: 'Erase' },
  { value: 'move', name: 'Move' },
];

/** What draws a mask over the picture: the brush, and a start from what the maps found, which needs no pointer. */
export function HandMaskTools({ image, shown }: { image: ImageItem; shown: ImageItem }) {
  const store = useAppStore();
  const brush = useApp((state) => state.brush);
  const mask = useApp((state) => handMaskOf(state, image.id));
  const settings = useApp((state) => state.refineChoices.settings);
  const { setBrush, setHandMask } = store.getState();
  /** The maps were asked, and had nothing. */
  const [foundNothing, setFoundNothing] = useState(false);
  const { opened } = image;
  const { perceptual, alignment } = shown;

  const startFromMaps = () => {
    if (!opened || !perceptual) return;
    const grid = maskGrid(opened);
    const analysed = { imageWidth: opened.width, imageHeight: opened.height, perceptual, alignment };
    const found = repairMask(analysed, settings);
    setFoundNothing(!found.some((value) => value > 0));
    setHandMask(image.id, { ...grid, values: Uint8Array.from(found, (value) => Math.round(255 * value)) });
  };

  return (
    <fieldset className={styles.tools}>
      <legend>Mask</legend>
      <p className={styles.plan} role="status">
        {mask
          ? `${percent(maskedShare(mask))} % of the picture is masked; all else stays exactly as it is.`
          : foundNothing
            ? 'The maps found nothing that is bad enough. Drag over the picture to paint what is to be replaced.'
            : 'Drag over the picture to paint what is to be replaced; the wheel and two fingers zoom.'}
      </p>
      <ToggleGroup.Root
        type="single"
        className={segments.group}
        value={brush.tool}
        onValueChange={(tool) => tool && setBrush({ tool: tool as BrushTool })}
        aria-label="What dragging does"
      >
        {TOOLS.map(({ value, name }) => (
          <ToggleGroup.Item key={value} value={value} className={segments.item}>
            {name}
          </ToggleGroup.Item>
        ))}
      </ToggleGroup.Root>
      <NumberField
        label="Brush"
        note="Its width, in hundredths of the picture’s shorter side."
        range={BRUSH_SIZES}
        value={brush.size}
        shown={percent(brush.size)}
        onChange={(size) => setBrush({ size })}
      />
      <p className={styles.actions}>
        <button type="button" className={controls.button} disabled={!perceptual} onClick={startFromMaps}>
          Start from what the maps found
        </button>
        <button type="button" className={controls.button} disabled={!mask} onClick={() => setHandMask(image.id, null)}>
          Clear
        </button>
      </p>
    </fieldset>
  );
}
