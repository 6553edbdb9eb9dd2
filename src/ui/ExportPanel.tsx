import { shownItem } from './comparison.ts';
import controls from './controls.module.css';
import { isResultShown, type SavableMap, savableLayer, savableMaps, saveMap, saveNumbers } from './exports.ts';
import { Icon } from './Icon.tsx';
import { COMMAND_KEY } from './keys.ts';
import { layerOf, layerViewOf } from './layer.ts';
import styles from './Panel.module.css';
import { SavePicture } from './SavePicture.tsx';
import { useAppStore } from './StoreContext.tsx';

/** What can be saved of the image on the stage. */
export function ExportPanel() {
  const store = useAppStore();
  const view = store.getState();
  const image = shownItem(view);
  if (!image) return <p>Select an image first.</p>;
  const hasResult = isResultShown(store);
  const inView = layerOf(image, { ...layerViewOf(view), hoveredPhrase: null });
  const standing = savableMaps(image);
  // A factor's or a phrase's map is offered while it is over the picture.
  const special = inView && !inView.mask && !standing.some(({ map }) => map === inView.map);
  const maps = special ? [savableLayer(inView), ...standing] : standing;
  const close = () => view.setPanel(null);
  const mapKey = (item: SavableMap) =>
    !hasResult && (special ? item === maps[0] : inView !== null && !inView.mask && inView.map === item.map);
  const key = <kbd className={controls.key}>{COMMAND_KEY} S</kbd>;
  return (
    <div className={styles.panel}>
      {hasResult && <SavePicture onSaved={close} />}
      <section>
        <h2>{hasResult ? 'Maps and numbers' : `Save from ${image.file.name}`}</h2>
        {maps.length === 0 && <p className={styles.quiet}>There is something to save once it has been analysed.</p>}
        {maps.map((item) => (
          <button
            key={item.suffix}
            type="button"
            className={styles.item}
            onClick={() => {
              close();
              void saveMap(store, image, item);
            }}
          >
            <Icon name="image" /> {item.name} as PNG {mapKey(item) && key}
          </button>
        ))}
        <button
          type="button"
          className={styles.item}
          disabled={!image.result}
          onClick={() => {
            close();
            saveNumbers(store, image);
          }}
        >
          <Icon name="save" /> All numbers as JSON {!hasResult && (!inView || inView.mask) && image.result && key}
        </button>
      </section>
      <p className={styles.quiet}>
        Maps are saved at the picture's size with {view.scale} colours, clear where the picture is good.
      </p>
    </div>
  );
}
