import { HostRandom } from "../../src/data/mod.ts";

/** Values that counters, lengths and offsets take badly. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** A place, every second time near one of the ends, where headers and footers are. */
function place(random: HostRandom, length: number): number {
  const near = Math.min(length, 1 + random.integer(200));
  const choice = random.integer(4);
  if (choice === 0) return random.integer(near);
  if (choice === 1) return length - 1 - random.integer(near);
  return random.integer(length);
}

/** Puts pieces together. */
function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}

/** Damages a file once, in one of the ways that disks, networks and people have. */
function damage(bytes: Uint8Array, random: HostRandom): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  const at = place(random, bytes.length);
  const span = 1 + random.integer(Math.min(64, bytes.length - at));
  const noise = () => Uint8Array.from({ length: span }, () => random.integer(256));
  switch (random.integer(13)) {
    case 0:
      return copy.slice(0, at);
    case 1:
      return join(copy, noise());
    case 2:
      return join(copy.subarray(0, at), copy.subarray(at + span));
    case 3:
      return join(copy.subarray(0, at), noise(), copy.subarray(at));
    case 4:
      return join(copy.subarray(0, at + span), copy.subarray(at));
    case 5:
      return copy.fill(0, at, at + span);
    case 6:
      copy.copyWithin(at, place(random, bytes.length), bytes.length);
      return copy;
    case 7: {
      const view = new DataView(copy.buffer);
      const extreme = EXTREMES[random.integer(EXTREMES.length)]!;
      const little = random.integer(2) === 0;
      if (at + 4 <= copy.length) view.setUint32(at, extreme, little);
      return copy;
    }
    case 8:
      copy[at] = EXTREMES[random.integer(EXTREMES.length)]!;
      return copy;
    case 9:
      copy[at] = random.integer(256);
      return copy;
    default:
      copy[at]! ^= 1 << random.integer(8);
      return copy;
  }
}

/**
 * Damages a file, mostly in one place, now and then in two or three.
 *
 * @param bytes The whole file.
 * @param seed Words that name the damage; the same words do the same.
 * @returns A damaged copy, never equal to the file.
 */
export function mutate(bytes: Uint8Array, seed: readonly number[]): Uint8Array<ArrayBuffer> {
  const random = new HostRandom(seed);
  for (;;) {
    let copy = Uint8Array.from(bytes);
    const times = [1, 1, 1, 1, 1, 2, 3][random.integer(7)]!;
    for (let time = 0; time < times && copy.length > 0; time++) copy = damage(copy, random);
    if (copy.length !== bytes.length || copy.some((byte, at) => byte !== bytes[at])) return copy;
  }
}
