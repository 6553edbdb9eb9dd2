import { type DecodedImage, openImage } from '../src/image/decodeImage.ts';

/** Pixels kept decoded, all images together: 400 MB. The image in use stays, whatever its size. */
export const KEPT_PIXELS = 100_000_000;

/**
 * Decoded images by file, so that another prompt for the same image decodes nothing. A file that crosses to a worker is a
 * new object each time: it is known again by name, size and time.
 */
export class OpenImages {
  /** Least recently used first. */
  readonly #images = new Map<string, DecodedImage>();
  /** Files being decoded: opening and analysing one at the same time decodes it once. */
  readonly #opening = new Map<string, Promise<DecodedImage>>();

  /** The decoded image; whoever uses it after another `open` has to call this again. */
  async open(file: File): Promise<DecodedImage> {
    const key = keyOf(file);
    const image = this.#images.get(key) ?? (await this.#decode(key, file));
    this.#images.delete(key);
    this.#images.set(key, image);
    this.#evict();
    return image;
  }

  /** Frees an image's pixels; no error where it is not open. */
  close(file: File): void {
    const key = keyOf(file);
    this.#images.get(key)?.close();
    this.#images.delete(key);
  }

  #decode(key: string, file: File): Promise<DecodedImage> {
    const running = this.#opening.get(key);
    if (running) return running;
    const opening = openImage(file).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  #evict(): void {
    let pixels = [...this.#images.values()].reduce((sum, { width, height }) => sum + width * height, 0);
    for (const [key, image] of this.#images) {
      if (pixels <= KEPT_PIXELS || this.#images.size === 1) return;
      this.#images.delete(key);
      pixels -= image.width * image.height;
      image.close();
    }
  }
}

function keyOf({ name, size, lastModified }: File): string {
  return `${name}\n${size}\n${lastModified}`;
}
