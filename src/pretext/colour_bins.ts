/**
 * The classes of colour of colorization: cells of a grid in the plane of a and b.
 *
 * @module
 */

/** Centre of a class in the plane of a and b. */
export type ColourBin = readonly [a: number, b: number];

/**
 * Centres of the cells of a grid over the plane of a and b that some colour of sRGB falls into.
 *
 * Source: Zhang et al., arXiv 1603.08511, section 2.1. A grid of 10 has 261 such cells; the authors'
 * list has 313, beyond what colours of sRGB fall into.
 *
 * @param step Distance of neighbouring centres, in units of a and b.
 * @returns The centres, ordered by a, then b; multiples of the step.
 */
export function colourBins(step: number): ColourBin[] {
  const found = new Set<string>();
  const bins: ColourBin[] = [];
  // Neighbouring levels of this cube are less than a cell apart for any step from 5.
  const levels = 64;
  for (let red = 0; red <= levels; red++) {
    for (let green = 0; green <= levels; green++) {
      for (let blue = 0; blue <= levels; blue++) {
        const [, a, b] = labOfColour([red / levels, green / levels, blue / levels]);
        const bin: ColourBin = [Math.round(a / step) * step, Math.round(b / step) * step];
        const name = `${bin[0]} ${bin[1]}`;
        if (found.has(name)) continue;
        found.add(name);
        bins.push(bin);
      }
    }
  }
  return bins.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
}

/** L*a*b* (D65) of one colour of sRGB, on the host. */
export function labOfColour(rgb: readonly [number, number, number]): [number, number, number] {
  const [r, g, b] = rgb.map((value) =>
    value > 0.04045 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92
  );
  const f = (value: number): number =>
    value > (6 / 29) ** 3 ? Math.cbrt(value) : value * 841 / 108 + 16 / 116;
  const x = f((0.4124564 * r! + 0.3575761 * g! + 0.1804375 * b!) / 0.95047);
  const y = f(0.2126729 * r! + 0.7151522 * g! + 0.072175 * b!);
  const z = f((0.0193339 * r! + 0.119192 * g! + 0.9503041 * b!) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
