import { Tooltip } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import controls from './controls.module.css';

/** An explanation that appears when its child is pointed at or focused; read to screen readers with it. */
export function Hint({
  text,
  side = 'top',
  children,
}: {
  text: ReactNode;
  side?: 'top' | 'right' | 'bottom' | 'left';
  children: ReactElement;
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className={controls.tooltip} side={side} sideOffset={6} collisionPadding={8}>
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
