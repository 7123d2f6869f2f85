/**
 * Reading a kernel's bindings and constants out of its WGSL text, so that they are written down
 * once.
 *
 * A kernel has two kinds of constants. An `override` is compiled in: every value costs a compilation.
 * A member of `struct Sizes`, bound last as `var<uniform> sizes: Sizes`, is read at run time: all
 * shapes share one pipeline.
 *
 * @module
 */

/** How a kernel uses one of its buffers. */
export type BindingAccess = "read" | "read_write" | "uniform";

/** One `@group(0)` buffer of a kernel. */
export interface KernelBinding {
  /** The number in `@binding(n)`. */
  readonly binding: number;
  /** The variable's name in the WGSL. */
  readonly name: string;
  /** How the kernel uses it. */
  readonly access: BindingAccess;
  /** Type of its numbers, of vectors too; `undefined` where the text hides it in a struct or an alias. */
  readonly element: ElementType | undefined;
}

/** Type of the numbers in a buffer. */
export type ElementType = "f32" | "i32" | "u32";

/** A member of a kernel's `struct Sizes`. */
export interface SizeMember {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: "u32" | "i32" | "f32";
}

/** What a kernel wants from outside. */
export interface WgslInterface {
  /** Its buffers without `sizes`, sorted by binding number, which run from 0 without a gap. */
  readonly bindings: readonly KernelBinding[];
  /** Names of its override constants; `true` if a value must be given. */
  readonly overrides: ReadonlyMap<string, boolean>;
  /** Members of its `struct Sizes`, 4 bytes each, in order; empty if it has none. */
  readonly sizes: readonly SizeMember[];
}

const BINDING =
  /@group\s*\(\s*(\d+)\s*\)\s*@binding\s*\(\s*(\d+)\s*\)\s*var\s*<\s*(storage|uniform)\s*(?:,\s*(read|read_write|write)\s*)?>\s*(\w+)\s*:\s*([^;]*)/g;
const ELEMENT = /\b(?:([fiu]32)|vec[234]([fiu]))\b/;
const ELEMENT_TYPES = { f: "f32", i: "i32", u: "u32" } as const;
const SIZES = /struct\s+Sizes\s*\{([^}]*)\}/;
const SIZE_MEMBER = /(\w+)\s*:\s*(\w+)/g;
const OVERRIDE = /(?:^|[;\s])override\s+(\w+)\s*(?::\s*\w+\s*)?(=|;)/g;

/**
 * Reads the bindings and override constants of a kernel.
 *
 * @param code WGSL text with one entry point; bindings written as
 *   `@group(0) @binding(n) var<storage, read> name: ...`
 * @param label Name of the kernel in errors
 * @returns Its bindings and override constants
 * @throws {Error} When a binding is in another group, missing in the count or declared twice, or when
 *   `struct Sizes` has a member of another type than u32, i32 and f32
 */
export function readWgslInterface(code: string, label: string): WgslInterface {
  const text = stripComments(code);
  const bindings: KernelBinding[] = [];
  for (const match of text.matchAll(BINDING)) {
    const [, group, binding, space, access, name, type = ""] = match;
    if (group !== "0") {
      throw new Error(
        `Cannot read kernel ${label}: found @group(${group}), expected @group(0) only.`,
      );
    }
    bindings.push({
      binding: Number(binding),
      name: name ?? "",
      access: space === "uniform" ? "uniform" : access === "read_write" ? "read_write" : "read",
      element: elementOf(type),
    });
  }
  bindings.sort((a, b) => a.binding - b.binding);
  bindings.forEach((entry, index) => {
    if (entry.binding !== index) {
      throw new Error(
        `Cannot read kernel ${label}: found @binding(${entry.binding}) on "${entry.name}", ` +
          `expected @binding(${index}). Number the bindings from 0 without gaps.`,
      );
    }
  });
  const sizes = readSizes(text, label);
  const last = bindings.at(-1);
  if (sizes.length > 0) {
    if (last?.name !== "sizes" || last.access !== "uniform") {
      throw new Error(
        `Cannot read kernel ${label}: found struct Sizes and the last binding ` +
          `"${last?.name ?? "none"}", expected \`var<uniform> sizes: Sizes\` as the last one.`,
      );
    }
    bindings.pop();
  }
  const overrides = new Map<string, boolean>();
  for (const match of text.matchAll(OVERRIDE)) overrides.set(match[1] ?? "", match[2] === ";");
  return { bindings, overrides, sizes };
}

function elementOf(type: string): ElementType | undefined {
  const [, scalar, vector] = ELEMENT.exec(type) ?? [];
  const letter = scalar?.[0] ?? vector;
  return letter === undefined ? undefined : ELEMENT_TYPES[letter as keyof typeof ELEMENT_TYPES];
}

function readSizes(text: string, label: string): SizeMember[] {
  const body = SIZES.exec(text)?.[1] ?? "";
  return Array.from(body.matchAll(SIZE_MEMBER), ([, name = "", type = ""]) => {
    if (type !== "u32" && type !== "i32" && type !== "f32") {
      throw new Error(
        `Cannot read kernel ${label}: found the size ${name} of type ${type}, expected u32, i32 ` +
          `or f32.`,
      );
    }
    return { name, type };
  });
}

function stripComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/\/\/[^\n]*/g, " ");
}
