/** Faults of the compiler. @module */
import type { Mutation } from "./mutation.ts";

/** Faults of the compiler. */
export const compiler: readonly Mutation[] = [
  {
    name: "blocks of rows begin where the rows of the first end",
    file: "src/compile/map_kernel.ts",
    from: 'scaleIndex(variableIndex("block", threads / groups), rows * groups)',
    to: 'scaleIndex(variableIndex("block", threads / groups), (rows - 1) * groups)',
  },
  {
    name: "remainders by powers of two have a bit too many",
    file: "src/compile/index_text.ts",
    from: "this.#size(what, by - 1)",
    to: "this.#size(what, 2 * by - 1)",
  },
  {
    name: "remainders by other numbers take off one multiple for two",
    file: "src/compile/index_text.ts",
    from: "#quotient(of, by)} * ${this.#size(what, by)}",
    to: "#quotient(of, by * 2)} * ${this.#size(what, by)}",
  },
  {
    name: "temporaries end one dispatch too early",
    file: "src/compile/plan.ts",
    from: "last < life.first || first > life.last",
    to: "last <= life.first || first > life.last",
  },
  {
    name: "temporaries live only until their first use",
    file: "src/compile/plan.ts",
    from: "if (life) life.last = position;",
    to: "if (life) continue;",
  },
  {
    name: "vector loads from addresses that are not multiples of four",
    file: "src/compile/expression.ts",
    from: "&& base.constant % 4 === 0 &&",
    to: "&&",
  },
  {
    name: "vector loads of every second element",
    file: "src/compile/expression.ts",
    from: "coefficientOf(flat, LANE) === 1",
    to: "coefficientOf(flat, LANE) !== undefined",
  },
  {
    name: "gathers are clamped to one row too many",
    file: "src/compile/expression.ts",
    from: "0i, ${extent - 1}i",
    to: "0i, ${extent}i",
  },
  {
    name: "index vectors without their step",
    file: "src/compile/expression.ts",
    from: "`${(lane * step) >>> 0}u`",
    to: "`${lane}u`",
  },
  {
    name: "conditions that are always true are taken for false",
    file: "src/compile/expression.ts",
    from: "if (index.max < low || index.min >= high)",
    to: "if (index.max < low || index.min >= high - 1)",
  },
  {
    name: "a part of a pack begins at another one's elements",
    file: "src/compile/kernel_pack.ts",
    from: "`(group - end${k - 1})`} * ${WORKGROUP}u + member;`",
    to: "`group`} * ${WORKGROUP}u + member;`",
  },
  {
    name: "a binding of a pack has its own kernel's number",
    file: "src/compile/kernel_pack.ts",
    from: "names.get(name) ?? name",
    to: "name",
  },
  {
    name: "dispatches move behind what needs them",
    file: "src/compile/pack_steps.ts",
    from: "if (pack.at >= before) return undefined;",
    to: "",
  },
  {
    name: "units merge whatever their level",
    file: "src/compile/units.ts",
    from: "1 + (writer.get(leaf)?.level ?? -1)",
    to: "writer.get(leaf)?.level ?? 0",
  },
  {
    name: "an epilogue may need units that run later",
    file: "src/compile/units.ts",
    from: "if (entry && entry !== highest && entry.level >= highest.level) return undefined;",
    to: "",
  },
  {
    name: "an epilogue may read other elements of its reduction",
    file: "src/compile/units.ts",
    from: ": at.node.inputs.every((input) => !reaches(input, own, { choice, apart }));",
    to: ": true;",
  },
  {
    name: "reductions of different operands share one pass",
    file: "src/compile/units.ts",
    from:
      "const key = `reduce ${operand!.shape} / ${lower.axes(node.params)} @${levelOf(leaves)}`;",
    to: "const key = `reduce ${operand!.shape} @${levelOf(leaves)}`;",
  },
  {
    name: "the limit of buffers is not kept",
    file: "src/compile/choose_buffers.ts",
    from: "while (found.size > limit)",
    to: "while (found.size > 99)",
  },
  {
    name: "half of a unit that is too wide is lost",
    file: "src/compile/narrow_unit.ts",
    from: "return [{ ...unit, epilogue: [] }, ...after];",
    to: "return [{ ...unit, epilogue: [] }, ...after.slice(1)];",
    adapter: "small, in parts, 11 buffers",
  },
  {
    name: "units run in the order in which they were formed",
    file: "src/compile/units.ts",
    from: "return order(entries, writer).map((entry) => entry.unit);",
    to: "return entries.map((entry) => entry.unit);",
  },
  {
    name: "numbers of a part are those of the first",
    file: "src/compile/kernel_pack.ts",
    from: "sizes.push({ ...size, name });",
    to:
      "sizes.push({ ...size, name, value: parts[0]!.sizes.find((other) => other.name === size.name)?.value ?? size.value });",
  },
  {
    name: "a part begins before another one's last workgroup",
    file: "src/compile/kernel_pack.ts",
    from: "end += groupsOf(part);",
    to: "end += Math.max(1, groupsOf(part) - 1);",
  },
  {
    name: "what a moved dispatch reads counts as read where it was",
    file: "src/compile/pack_steps.ts",
    from: "read.set(storage, Math.min(place, read.get(storage) ?? Infinity));",
    to: "read.set(storage, Math.max(at, read.get(storage) ?? 0));",
  },
  {
    name: "packs bind more buffers than the adapter allows",
    file: "src/compile/pack_steps.ts",
    from: "    bindingsOf(parts).length <= maxStorageBuffers;",
    to: "    bindingsOf(parts).length <= 99;",
    adapter: "8 buffers",
  },
  {
    name: "packs have more workgroups than the adapter allows",
    file: "src/compile/kernel_source.ts",
    from: "if (groups <= most) return [groups, 1, 1];",
    to: "if (groups <= most * 99) return [groups, 1, 1];",
    adapter: "few workgroups, little memory",
  },
  {
    name: "a pointwise result of other elements of a unit is computed with it",
    file: "src/compile/map_kernel.ts",
    from:
      "memoryOf: (tensor) => written.has(rootOf(tensor)) ? undefined : context.memoryOf(tensor),",
    to: "memoryOf: (tensor) => written.has(tensor) ? undefined : context.memoryOf(tensor),",
  },
  {
    name: "rows that are computed together are those of the next block",
    file: "src/compile/map_kernel.ts",
    from: "constantIndex(row * groups),",
    to: "constantIndex(row * groups * 2),",
  },
  {
    name: "updates of padded filters add what they subtract",
    file: "src/transform/align_channels.ts",
    from: "pad(reshape(change!, tensor.shape), padding)])[0]!;",
    to: "pad(reshape(before!, tensor.shape), padding)])[0]!;",
  },
  {
    name: "a larger repetition repeats axes of another extent",
    file: "src/transform/share_broadcasts.ts",
    from: "at < outer.shape.length && outer.shape[at] !== extent",
    to: "at < outer.shape.length && outer.shape[at]! < extent",
  },
  {
    name: "the axes of an input come before those along which it is repeated",
    file: "src/transform/share_broadcasts.ts",
    from: "if (outer.axes[operand]! < at) return undefined;",
    to: "",
  },
  {
    name: "a concatenation in steps is in another order",
    file: "src/transform/split_concats.ts",
    from: "return concatInSteps(parts, axis, most);",
    to: "return concatInSteps(parts.reverse(), axis, most);",
    adapter: "8 buffers",
  },
  {
    name: "bind groups of the first call serve all calls",
    file: "src/compile/loaded_plan.ts",
    from: "let group = variable.get(key);",
    to: "let group = [...variable.values()][0];",
  },
  {
    name: "outputs that no kernel writes are not copied",
    file: "src/compile/loaded_plan.ts",
    from: "for (const { from, output } of this.plan.copies) {",
    to: "for (const { from, output } of this.plan.copies.slice(1)) {",
  },
  {
    name: "two temporaries get one buffer of the arena",
    file: "src/compile/loaded_plan.ts",
    from: "free.delete(best);",
    to: "",
  },
  {
    name: "padded inputs of called programs are taken from the wrong operand",
    file: "src/transform/align_channels.ts",
    from: "pad(inputs[position]!, params)",
    to: "pad(inputs.find(({ shape }) => shape.join() === inputs[position]!.shape.join())!, params)",
  },
];
