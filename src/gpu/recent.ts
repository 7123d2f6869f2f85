/**
 * What was made of late, for whoever asks for it again.
 *
 * @module
 */

/** Promises of what takes long to make, by what it is made from; the least recently asked for are forgotten. */
export class Recent<T> {
  readonly #made = new Map<string, Promise<T>>();

  /** How many are known. */
  get size(): number {
    return this.#made.size;
  }

  /** Whether one is known. */
  has(key: string): boolean {
    return this.#made.has(key);
  }

  /**
   * Gives what is known, or makes it; a failure is not kept.
   *
   * @param key What it is known by
   * @param make Makes it
   * @returns The same promise for the same key, until it is forgotten
   */
  get(key: string, make: () => Promise<T>): Promise<T> {
    let made = this.#made.get(key);
    // The order of a map is that in which its keys were set.
    if (made) this.#made.delete(key);
    else (made = make()).catch(() => this.#made.delete(key));
    this.#made.set(key, made);
    return made;
  }

  /**
   * Forgets all but the latest; whoever holds one keeps it.
   *
   * @param most How many stay
   */
  trim(most: number): void {
    for (const key of this.#made.keys()) {
      if (this.#made.size > most) this.#made.delete(key);
    }
  }
}
