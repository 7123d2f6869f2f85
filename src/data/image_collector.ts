/** Some decoded images of one size. */
export interface ImagesOfOneSize {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** Pixels `[n, height, width, channels]`. */
  readonly images: Uint8Array;
  /** Classes `[n]`. */
  readonly labels: ArrayLike<number>;
  /** Images that a decoder passed over faults of; none unless told. */
  readonly faults?: number;
}

/** Options of {@linkcode ImageCollector}. */
export interface ImageCollectorOptions {
  /** How many images will come. */
  readonly count: number;
  /** Channels of each. */
  readonly channels: 1 | 3;
  /** Most bytes of all images together. */
  readonly mostBytes: number;
  /** What to do where they are more, as sentences. */
  readonly less: string;
}

/** Images and labels of a data set as they are decoded, all of one size. */
export class ImageCollector {
  readonly #options: ImageCollectorOptions;
  /** Classes of the images, `[count]`. */
  labels: Int32Array = new Int32Array(0);
  /** Pixels, `[count, height, width, channels]`. */
  images: Uint8Array = new Uint8Array(0);
  /** Rows of the first image. */
  height = 0;
  /** Columns of the first image. */
  width = 0;
  /** How many have come. */
  filled = 0;
  /** How many of them a decoder passed over faults of. */
  faults = 0;

  /** @param options How many images of which kind will come. */
  constructor(options: ImageCollectorOptions) {
    this.#options = options;
  }

  /** Makes room for all images when the size of the first is known. */
  #allocate({ height, width }: ImagesOfOneSize): void {
    const { count, channels, mostBytes, less } = this.#options;
    const bytes = count * height * width * channels;
    if (bytes > mostBytes) {
      throw new RangeError(
        `Cannot load ${count} images of ${width} x ${height} pixels: ${bytes} bytes, expected at most ${mostBytes}. ${less}`,
      );
    }
    this.height = height;
    this.width = width;
    this.images = new Uint8Array(bytes);
    this.labels = new Int32Array(count);
  }

  /**
   * Adds some images.
   *
   * @param part The images.
   * @param what What they are, for the error; a number unless told.
   * @throws {RangeError} If all images together will take too many bytes.
   * @throws {Error} If they are of another size than the first.
   */
  add(part: ImagesOfOneSize, what = `image ${this.filled}`): void {
    if (this.filled === 0) this.#allocate(part);
    if (part.height !== this.height || part.width !== this.width) {
      throw new Error(
        `Cannot collect images: ${what} has ${part.width} x ${part.height} pixels, expected ${this.width} x ${this.height} like the first. Pass size to resize all.`,
      );
    }
    const each = this.images.length / this.#options.count;
    this.images.set(part.images, this.filled * each);
    this.labels.set(part.labels, this.filled);
    this.filled += part.labels.length;
    this.faults += part.faults ?? 0;
  }
}

/** Labels in as few bytes as their classes need. */
export function compactLabels(
  labels: Int32Array,
  classNames: readonly string[],
): Uint8Array | Int32Array {
  return classNames.length <= 256 ? Uint8Array.from(labels) : labels;
}
