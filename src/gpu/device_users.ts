/**
 * Who computes on a device.
 *
 * @module
 */

/** The users of each device; one object for a device, however many engines compute on it. */
const known = new WeakMap<GPUDevice, DeviceUsers>();

/**
 * How many compute on a device: engines, and libraries that it was lent to. An engine may be given a device
 * that another engine has opened, lent, and left. The last user destroys the device, if one of them opened it.
 */
export class DeviceUsers {
  readonly #device: GPUDevice;
  #count = 0;
  #owned = false;

  private constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * Those of a device.
   *
   * @param device The device
   * @returns The same object for the same device
   */
  static of(device: GPUDevice): DeviceUsers {
    let found = known.get(device);
    if (!found) known.set(device, found = new DeviceUsers(device));
    return found;
  }

  /** One more. */
  enter(): void {
    this.#count++;
  }

  /** The device was opened here: nobody else will destroy it. */
  own(): void {
    this.#owned = true;
  }

  /** One less; the last one destroys what was opened here. */
  leave(): void {
    if (--this.#count === 0 && this.#owned) this.#device.destroy();
  }
}
