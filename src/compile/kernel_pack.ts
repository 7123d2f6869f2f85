/**
 * Several small kernels in one: each workgroup computes its part of one of them.
 *
 * @module
 */
import type { DeviceTraits } from "../ir/lowering.ts";
import type { KernelSize, SourceBinding } from "./expression.ts";
import { type GeneratedKernel, groupKernel, type KernelPart, WORKGROUP } from "./kernel_source.ts";

/**
 * Generates the kernel that computes all `parts`, none of which reads what another one writes.
 *
 * @param parts At least one, in the order of their workgroups.
 * @param traits The adapter.
 * @returns The kernel; it binds {@linkcode bindingsOf} the parts.
 */
export function packKernels<B>(
  parts: readonly KernelPart<B>[],
  traits: DeviceTraits,
): GeneratedKernel<B> {
  const bindings: SourceBinding<B>[] = [];
  const helpers = new Map<string, string>();
  const sizes: KernelSize[] = [];
  const body: string[] = [];
  let end = 0;
  parts.forEach((part, k) => {
    const lines = [
      `let q = ${end === 0 ? "group" : `(group - end${k - 1})`} * ${WORKGROUP}u + member;`,
    ];
    const read = (size: KernelSize): void => {
      const name = `${size.name}_${k}`;
      sizes.push({ ...size, name });
      lines.push(`let ${size.name} = ${name};`);
    };
    if (part.threads % WORKGROUP !== 0) {
      read({ name: "threads", type: "u32", value: part.threads });
      lines.push(`if (q >= threads) { return; }`);
    }
    part.sizes.forEach(read);
    for (const [name, source] of part.helpers) helpers.set(name, source);
    const names = new Map(part.bindings.map((own) => [own.name, sharedName(bindings, own)]));
    // No other names are of this form.
    lines.push(
      ...part.body.map((line) => line.replace(/\bb\d+\b/g, (name) => names.get(name) ?? name)),
    );
    end += groupsOf(part);
    const last = k === parts.length - 1;
    if (!last) sizes.push({ name: `end${k}`, type: "u32", value: end });
    body.push(
      `${k === 0 ? "" : "} else "}${last ? "" : `if (group < end${k}) `}{`,
      ...lines.map((line) => `  ${line}`),
    );
  });
  body.push("}");
  return groupKernel({ bindings, helpers, sizes }, body, { groups: end, traits });
}

/** The bindings of a pack: those of its parts, what several only read once. */
export function bindingsOf<B>(parts: readonly KernelPart<B>[]): readonly SourceBinding<B>[] {
  const bindings: SourceBinding<B>[] = [];
  for (const part of parts) for (const own of part.bindings) sharedName(bindings, own);
  return bindings;
}

/** Workgroups that compute a kernel. */
export function groupsOf({ threads }: Pick<KernelPart<unknown>, "threads">): number {
  return Math.ceil(threads / WORKGROUP);
}

/** The name of a binding among those of all parts; what is only read is bound once. */
function sharedName<B>(
  bindings: SourceBinding<B>[],
  { memory, element, writes }: SourceBinding<B>,
): string {
  const found = bindings.find((other) => other.memory === memory && other.element === element);
  if (found) return found.name;
  const name = `b${bindings.length}`;
  bindings.push({ name, memory, element, writes });
  return name;
}
