/** Where a picture lies in the stage: its top left corner in CSS px, and CSS px per image px. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** Width and height. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A position in the stage, CSS px. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Most CSS px that one image px may take. */
const MAX_SCALE = 32;
/** A small picture is enlarged to fit, but no further than this. */
const MAX_FIT = 6;

/** The picture whole and centred, with a margin around. */
export function fitViewport(image: Size, stage: Size, margin = 16): Viewport {
  const free = (side: number) => Math.max(1, side - 2 * margin);
  const scale = Math.min(free(stage.width) / image.width, free(stage.height) / image.height, MAX_FIT);
  return { x: (stage.width - image.width * scale) / 2, y: (stage.height - image.height * scale) / 2, scale };
}

/** Enlarges by `factor`; what lies at `centre` stays there. The picture never gets smaller than half its fitted size. */
export function zoomViewport(
  viewport: Viewport,
  { factor, centre, image, stage }: { factor: number; centre: Point; image: Size; stage: Size },
): Viewport {
  const smallest = Math.min(fitViewport(image, stage).scale / 2, 1);
  const scale = Math.min(MAX_SCALE, Math.max(smallest, viewport.scale * factor));
  const ratio = scale / viewport.scale;
  const moved = {
    x: centre.x - (centre.x - viewport.x) * ratio,
    y: centre.y - (centre.y - viewport.y) * ratio,
    scale,
  };
  return keepInSight(moved, { image, stage });
}

/** Moves the picture, keeping at least a fifth of the stage's shorter side of it in sight. */
export function keepInSight(viewport: Viewport, { image, stage }: { image: Size; stage: Size }): Viewport {
  const keep = Math.min(stage.width, stage.height) / 5;
  const clamp = (at: number, length: number, room: number) =>
    Math.min(room - Math.min(keep, length), Math.max(Math.min(keep, length) - length, at));
  return {
    x: clamp(viewport.x, image.width * viewport.scale, stage.width),
    y: clamp(viewport.y, image.height * viewport.scale, stage.height),
    scale: viewport.scale,
  };
}

/** The place on the image under a point of the stage, 0..1 each way; null: beside the picture. */
export function imagePoint(
  viewport: Viewport,
  { at, image }: { at: Point; image: Size },
): { u: number; v: number } | null {
  const u = (at.x - viewport.x) / (image.width * viewport.scale);
  const v = (at.y - viewport.y) / (image.height * viewport.scale);
  return u >= 0 && u < 1 && v >= 0 && v < 1 ? { u, v } : null;
}
