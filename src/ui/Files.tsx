import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { receiveFiles } from '../store/receiveFiles.ts';
import { canChooseFolder, chooseFolder } from './chooseFolder.ts';
import controls from './controls.module.css';
import { droppedFiles, droppedFolder, pickedFiles } from './droppedFiles.ts';
import styles from './Files.module.css';
import { Icon } from './Icon.tsx';
import { useAppStore } from './StoreContext.tsx';

/** Opens the browser's file dialogs. */
export interface FilePickers {
  pickImages(): void;
  pickModelFolder(): void;
  /** A folder of images, in a way that lets the page read it again later where the browser can. */
  pickImageFolder(): void;
  pickModelFiles(): void;
}

const FilesContext = createContext<FilePickers | null>(null);

/** The file dialogs of the screen around. @throws Error outside of `Files` */
export function useFiles(): FilePickers {
  const pickers = useContext(FilesContext);
  if (!pickers) throw new Error('No file dialogs: this component is not inside Files');
  return pickers;
}

/** Lets files in: anywhere on the page by drop and paste, and by dialogs. */
export function Files({ children }: { children: ReactNode }) {
  const store = useAppStore();
  const images = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const [dragging, setDragging] = useState(false);

  useEffect(() => {
    const take = (data: DataTransfer) => {
      Promise.all([droppedFiles(data), droppedFolder(data)]).then(
        ([found, folder]) => receiveFiles(store.getState(), found, folder),
        (error) => store.getState().report(error, 'open'),
      );
    };
    let leaving: ReturnType<typeof setTimeout> | undefined;
    const onDragOver = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
      clearTimeout(leaving);
      setDragging(true);
    };
    // Leaving one element for another inside the page also fires: only silence means the pointer is gone.
    const onDragLeave = () => {
      clearTimeout(leaving);
      leaving = setTimeout(() => setDragging(false), 80);
    };
    const onDrop = (event: DragEvent) => {
      clearTimeout(leaving);
      setDragging(false);
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      take(event.dataTransfer);
    };
    const onPaste = (event: ClipboardEvent) => {
      if (!event.clipboardData?.types.includes('Files')) return;
      event.preventDefault();
      take(event.clipboardData);
    };
    window.addEventListener('dragover', onDragOver);
    window.addEventListener('dragleave', onDragLeave);
    window.addEventListener('drop', onDrop);
    window.addEventListener('paste', onPaste);
    return () => {
      clearTimeout(leaving);
      window.removeEventListener('dragover', onDragOver);
      window.removeEventListener('dragleave', onDragLeave);
      window.removeEventListener('drop', onDrop);
      window.removeEventListener('paste', onPaste);
    };
  }, [store]);

  useEffect(() => {
    // Not among React's attributes.
    if (folder.current) folder.current.webkitdirectory = true;
  }, []);

  const pickers = useMemo(
    () => ({
      pickImages: () => images.current?.click(),
      pickModelFolder: () => folder.current?.click(),
      pickModelFiles: () => files.current?.click(),
      pickImageFolder: () => {
        if (!canChooseFolder()) {
          folder.current?.click();
          return;
        }
        chooseFolder('images', 'read').then(
          (chosen) => chosen && store.getState().offerFolder(chosen),
          (error) => store.getState().report(error, 'open'),
        );
      },
    }),
    [store],
  );
  const input = {
    type: 'file',
    multiple: true,
    className: controls.hidden,
    tabIndex: -1,
    'aria-hidden': true,
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      receiveFiles(store.getState(), pickedFiles(event.currentTarget.files));
      // The same file may be chosen again.
      event.currentTarget.value = '';
    },
  } as const;

  return (
    <FilesContext value={pickers}>
      {children}
      <input {...input} ref={images} accept="image/*" data-testid="pick-images" />
      <input {...input} ref={folder} data-testid="pick-folder" />
      <input {...input} ref={files} accept=".json,.safetensors,.bin,.pth,.ckpt,.txt" data-testid="pick-files" />
      {dragging && (
        <div className={styles.veil}>
          <p>
            <Icon name="image" size={28} />
            Drop images, a folder of them, or a model folder
          </p>
        </div>
      )}
    </FilesContext>
  );
}
