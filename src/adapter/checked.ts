/**
 * Functions on adapters that the package itself calls without a check, as callers without types have them.
 *
 * @module
 */
import type { AdapterCosts } from "../ir/adapter_costs.ts";
import { flag, type Kind, objectWith, text } from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { adapterCosts as costsOf } from "./adapter_costs.ts";
import { type AdapterClass, type AdapterProfile, checkProfile } from "./adapter_profile.ts";
import { adapterClassOf as classOf } from "./built_in_profiles.ts";

const infoKind: Kind = /* @__PURE__ */ objectWith({
  ...{ vendor: text, architecture: text, description: text, software: flag },
});

/**
 * Makes the compiler's costs of a profile.
 *
 * Measured numbers are never the same twice, and plans must be: a ratio is taken as that of the built-in profile of
 * the class times a whole power of 4, the nearest one; invocations by powers of 2.
 *
 * @param profile The profile.
 * @returns The costs.
 * @throws {TypeError} If it is no profile: names the first number that is none, with its bounds.
 *
 * @example
 * ```ts
 * import { adapterCosts, builtInProfile } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const typical = builtInProfile("software");
 * assertEquals(adapterCosts(typical).load, 12);
 * // A factor of less than 2 may be noise, more is another adapter.
 * assertEquals(adapterCosts({ ...typical, load: 1.8 * typical.load }).load, 12);
 * assertEquals(adapterCosts({ ...typical, load: 3 * typical.load }).load, 48);
 * ```
 */
export function adapterCosts(profile: AdapterProfile): AdapterCosts {
  return costsOf(checkProfile(profile));
}

/**
 * Tells the class of an adapter by what its driver says of it.
 *
 * @param info Vendor, architecture, description, and whether it is a CPU.
 * @returns The class; `integrated`, the one in the middle, for what nobody knows.
 * @throws {TypeError} If something of these is missing or of another kind.
 *
 * @example
 * ```ts
 * import { adapterClassOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const info = { vendor: "4318", architecture: "", description: "NVIDIA H100", software: false };
 * assertEquals(adapterClassOf(info), "discrete");
 * ```
 */
export function adapterClassOf(info: {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly software: boolean;
}): AdapterClass {
  requireArguments("adapterClassOf", { info }, { info: infoKind });
  return classOf(info);
}
