/**
 * A text form of programs that a person can read.
 *
 * @module
 */
import { requireProgram } from "./program.ts";
import { formatAval } from "./aval.ts";
import { callNotes } from "./call_notes.ts";
import type { Program } from "./program.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Writes a program as text: one line a node, inputs first, results last.
 *
 * @param program The program.
 * @returns Lines such as `%2 f32[2] = add %0 %1`.
 *
 * @example
 * ```ts
 * import { mul, print, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { program } = trace((x: Tensor) => mul(x, x), [{ shape: [2], dtype: "f32" }]);
 * assertEquals(print(program), "inputs %0 f32[2]\n  %1 f32[2] = mul %0 %0\noutputs %1");
 * ```
 */
export function print(program: Program): string {
  requireProgram("print", program);
  const names = new Map<Tensor, string>();
  const name = (tensor: Tensor): string => {
    const found = names.get(tensor);
    if (found) return found;
    const made = `%${names.size}`;
    names.set(tensor, made);
    return made;
  };
  const lines = [
    `inputs ${program.inputs.map((input) => `${name(input)} ${formatAval(input)}`).join(", ")}`,
  ];
  for (const node of program.nodes) {
    if (node.primitive.name === "input") continue;
    const operands = node.inputs.map(name).join(" ");
    const results = node.outputs.map((output) => `${name(output)} ${formatAval(output)}`).join(
      ", ",
    );
    const params = formatParams(node.params);
    lines.push(`  ${results} = ${node.primitive.name}${params}${operands ? " " + operands : ""}`);
  }
  lines.push(`outputs ${program.outputs.map(name).join(", ")}`);
  return lines.join("\n");
}

function formatParams(params: unknown): string {
  if (params === null || params === undefined || typeof params !== "object") return "";
  const entries = Object.entries(params).map(([key, value]) => `${key}: ${formatValue(value)}`);
  return entries.length === 0 ? "" : `{${entries.join(", ")}}`;
}

function formatValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "string") {
    return String(value);
  }
  if (Array.isArray(value) && value.length > 8 && typeof value[0] === "number") {
    return `<${value.length} values>`;
  }
  if (Array.isArray(value)) return `[${value.map(formatValue).join(", ")}]`;
  if (ArrayBuffer.isView(value)) return `<${(value as Float64Array).length} values>`;
  if (value !== null && typeof value === "object" && "nodes" in value) {
    const program = value as Program;
    return `<program of ${[`${program.nodes.length} nodes`, ...callNotes(program)].join(", ")}>`;
  }
  if (value !== null && typeof value === "object") return formatParams(value);
  return typeof value;
}
