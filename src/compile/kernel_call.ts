/**
 * What a hand-written kernel is given, against what its text asks for: a buffer in another's place would
 * be read as other numbers, without an error.
 *
 * @module
 */
import type { DType } from "../ir/aval.ts";
import type { BufferSlot, DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import type { Node } from "../ir/tensor.ts";
import type { ElementType, KernelBinding } from "../gpu/wgsl_interface.ts";

/** One call of a lowering, and the buffers that its kernel declares. */
interface BoundCall {
  readonly call: KernelLowering["calls"][number];
  readonly bindings: readonly KernelBinding[];
}

/**
 * Throws unless every kernel of a lowering gets the buffers that it declares, every one in its place.
 *
 * @param node The application.
 * @param lowering Its dispatches and scratch.
 * @param options Buffers that each call's kernel declares, and the adapter.
 * @throws {TypeError} Says which buffer of which kernel, what was found and what is expected.
 */
export function checkKernelCalls(
  node: Node,
  lowering: KernelLowering,
  { bindings, traits }: {
    readonly bindings: readonly (readonly KernelBinding[])[];
    readonly traits: DeviceTraits;
  },
): void {
  lowering.calls.forEach((call, k) => {
    const bound = { call, bindings: bindings[k]! };
    checkCount(bound);
    call.buffers.forEach((slot, at) => checkSlot(node, lowering, { ...bound, slot, at }));
    checkGrid(bound, traits);
  });
  const written = lowering.calls.some(({ buffers }) =>
    buffers.some(({ kind }) => kind === "output")
  );
  if (!written) {
    throw new TypeError(
      "none of its kernels gets the output. Name it among the buffers of a call.",
    );
  }
}

function checkCount({ call, bindings }: BoundCall): void {
  if (call.buffers.length === bindings.length) return;
  throw new TypeError(
    `its kernel '${call.kernel}' is given ${call.buffers.length} buffers, expected ` +
      `${bindings.length} (${bindings.map(({ name }) => name).join(", ")}).`,
  );
}

function checkSlot(
  { inputs, outputs }: Node,
  { scratch }: KernelLowering,
  { call, bindings, slot: { kind, index }, at }: BoundCall & {
    readonly slot: BufferSlot;
    readonly at: number;
  },
): void {
  const { name, access, element } = bindings[at]!;
  const where = `the buffer '${name}' of its kernel '${call.kernel}' is given ${kind} ${index}`;
  const counts = { input: inputs.length, output: 1, scratch: scratch.length };
  if (!(Number.isInteger(index) && index >= 0 && index < counts[kind])) {
    throw new TypeError(`${where}, expected one below ${counts[kind]}.`);
  }
  if (access === "uniform") {
    throw new TypeError(
      `${where}, but is 'var<uniform>', expected 'var<storage, read>'. Only sizes are uniform.`,
    );
  }
  if ((kind === "output" && access === "read") || (kind === "input" && access === "read_write")) {
    throw new TypeError(
      `${where}, but is 'var<storage, ${access}>', expected 'var<storage, ${
        kind === "input" ? "read" : "read_write"
      }>'.`,
    );
  }
  const tensor = kind === "input" ? inputs[index] : kind === "output" ? outputs[index] : undefined;
  if (tensor !== undefined && element !== undefined && !holds(element, tensor.dtype)) {
    throw new TypeError(
      `${where}, which holds ${tensor.dtype}, but is an array of ${element}. Declare it with the type of ` +
        `the tensor (bool as u32), or u32 for its bits.`,
    );
  }
}

/** Whether a kernel may take the numbers of a type for its own; `u32` are anyone's bits. */
function holds(element: ElementType, dtype: DType): boolean {
  return element === "u32" || (element === "f32") === (dtype === "f32");
}

function checkGrid({ call }: BoundCall, { maxWorkgroupsPerDimension }: DeviceTraits): void {
  const { kernel, workgroups } = call;
  const fits = workgroups.length === 3 &&
    workgroups.every((count) =>
      Number.isInteger(count) && count >= 1 && count <= maxWorkgroupsPerDimension
    );
  if (fits) return;
  throw new TypeError(
    `its kernel '${kernel}' is to run ${workgroups.join(" x ")} workgroups, expected three whole ` +
      `numbers from 1 to ${maxWorkgroupsPerDimension}. linearGrid() lays out any number of invocations.`,
  );
}
