import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './Modal.module.css';

/**
 * A modal dialog: the browser's own, which keeps the focus inside, makes the rest inert and closes on Esc, without
 * injecting a style element that the page's security policy would refuse.
 */
export function Modal({
  title,
  size = 'normal',
  footer,
  onClose,
  children,
}: {
  title: string;
  size?: 'normal' | 'wide';
  /** Stays in sight while the rest scrolls. */
  footer?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  // A layout effect: when it is undone, the dialog is still in the page and closing it gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    element?.querySelector<HTMLElement>('[data-first-focus]')?.focus();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={classes(styles.dialog, size === 'wide' && styles.wide)}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // A click on the backdrop is a click on the dialog element itself: its content lies in the inner box.
      onClick={(event) => event.target === event.currentTarget && onClose()}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <div className={styles.box}>
        <header className={styles.header}>
          <h2>{title}</h2>
          <button
            type="button"
            className={`${controls.button} ${controls.quiet} ${controls.icon}`}
            onClick={onClose}
            aria-label="Close"
          >
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
      {footer && <footer className={styles.footer}>{footer}</footer>}
    </dialog>
  );
}
