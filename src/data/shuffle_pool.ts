import { HostRandom } from "./host_random.ts";

/**
 * Brings a stream of images into random order with bounded memory: it holds so many images, and every
 * new one takes the place of one of them, drawn at random.
 */
export class ShufflePool {
  readonly #images: Uint8Array;
  readonly #labels: Int32Array;
  readonly #each: number;
  readonly #random: HostRandom;
  #filled = 0;

  /**
   * Makes room.
   *
   * @param capacity Most images that are held.
   * @param each Bytes of an image.
   * @param seed Words that name the order.
   */
  constructor(capacity: number, each: number, seed: readonly number[]) {
    this.#images = new Uint8Array(capacity * each);
    this.#labels = new Int32Array(capacity);
    this.#each = each;
    this.#random = new HostRandom(seed);
  }

  /** Puts an image into a place. */
  #set(place: number, image: Uint8Array, label: number): void {
    this.#images.set(image, place * this.#each);
    this.#labels[place] = label;
  }

  /** The image in a place; it changes when the place is given away. */
  #get(place: number): { image: Uint8Array; label: number } {
    const start = place * this.#each;
    return { image: this.#images.subarray(start, start + this.#each), label: this.#labels[place]! };
  }

  /**
   * Adds an image.
   *
   * @param image Its pixels, which are copied.
   * @param label Its class.
   * @param emit Given the image that leaves for it, once all places are taken; to be copied at once.
   */
  add(image: Uint8Array, label: number, emit: (image: Uint8Array, label: number) => void): void {
    if (this.#filled < this.#labels.length) {
      this.#set(this.#filled++, image, label);
      return;
    }
    const place = this.#random.integer(this.#labels.length);
    const old = this.#get(place);
    emit(old.image, old.label);
    this.#set(place, image, label);
  }

  /** Takes out what is left, in random order; an image is to be copied before the next is asked for. */
  *drain(): Generator<{ image: Uint8Array; label: number }> {
    while (this.#filled > 0) {
      const place = this.#random.integer(this.#filled);
      yield this.#get(place);
      const last = this.#get(--this.#filled);
      this.#set(place, last.image, last.label);
    }
  }
}
