import { assertThrows } from "@std/assert";
import { checkPlan, type PlanUses } from "../../src/compile/check_plan.ts";
import { readWgslInterface } from "../../src/gpu/wgsl_interface.ts";
import { KERNELS } from "../kernels/all_kernels.ts";

const [x, y, z] = [{}, {}, {}];
const read = (content: object, place: string) => ({ content, place, writes: false });
const write = (content: object, place: string) => ({ content, place, writes: true });

/** A plan over one input: `y` from `x`, then `z` from `y`. */
function chain(): { given: PlanUses["given"]; steps: PlanUses["steps"][number][] } {
  return {
    given: [{ content: x, place: "input 0" }],
    steps: [
      { label: "first", uses: [read(x, "input 0"), write(y, "slot 0")] },
      { label: "second", uses: [read(y, "slot 0"), write(z, "output 0")] },
    ],
  };
}

const results = [{ content: z, place: "output 0" }];

Deno.test("checkPlan() accepts a plan that reads what was written", () => {
  checkPlan({ ...chain(), results });
});

Deno.test("checkPlan() refuses a read before the write", () => {
  const { given, steps } = chain();
  assertThrows(
    () => checkPlan({ given, steps: steps.toReversed(), results }),
    Error,
    "'second' reads slot 0, which nothing has written yet",
  );
});

Deno.test("checkPlan() refuses a read of memory that has been given away", () => {
  const { given, steps } = chain();
  const reuse = { label: "between", uses: [read(x, "input 0"), write({}, "slot 0")] };
  assertThrows(
    () => checkPlan({ given, steps: [steps[0]!, reuse, steps[1]!], results }),
    Error,
    "'second' reads slot 0, which holds something else by then",
  );
});

Deno.test("checkPlan() refuses a dispatch that reads what it writes", () => {
  const { given, steps } = chain();
  const inPlace = { label: "in place", uses: [read(y, "slot 0"), write(z, "slot 0")] };
  assertThrows(
    () => checkPlan({ given, steps: [steps[0]!, inPlace], results: [] }),
    Error,
    "'in place' reads slot 0, which it also writes",
  );
});

Deno.test("checkPlan() refuses writes to inputs, double writes and results that are missing", () => {
  const { given, steps } = chain();
  const toInput = { label: "back", uses: [write(y, "input 0")] };
  assertThrows(
    () => checkPlan({ given, steps: [toInput], results: [] }),
    Error,
    "'back' writes input 0, which is given from outside",
  );
  const twice = { label: "twice", uses: [write(y, "slot 0"), write(z, "slot 0")] };
  assertThrows(
    () => checkPlan({ given, steps: [twice], results: [] }),
    Error,
    "'twice' writes slot 0, which it writes already",
  );
  assertThrows(
    () => checkPlan({ given, steps: steps.slice(0, 1), results }),
    Error,
    "'the result' reads output 0, which nothing has written yet",
  );
});

Deno.test("hand-written kernels never read the buffers that they write", () => {
  for (const [name, text] of Object.entries(KERNELS)) {
    const code = text.replace(/\/\/[^\n]*/g, "");
    for (const { name: variable, access } of readWgslInterface(code, name).bindings) {
      if (access !== "read_write") continue;
      const uses = [...code.matchAll(new RegExp(`(?<![\\w.])${variable}\\b(?!\\s*:)`, "g"))];
      if (uses.length === 0) throw new Error(`${name}: '${variable}' is never written`);
      for (const { index } of uses) {
        if (!isStore(code.slice(index + variable.length))) {
          throw new Error(
            `${name} does something else than store: ${variable}${
              code.slice(index + variable.length).split("\n")[0]
            }`,
          );
        }
      }
    }
  }
});

/** Whether text that follows a variable's name is `[...] = `. */
function isStore(text: string): boolean {
  if (text[0] !== "[") return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "[") depth++;
    if (text[at] === "]" && --depth === 0) return /^\s*=(?!=)/.test(text.slice(at + 1));
  }
  return false;
}
