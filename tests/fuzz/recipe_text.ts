/**
 * Programs as text that can be pasted into a test.
 *
 * @module
 */
import { type Argument, type Body, inputsOf, isInput, type OwnFunction, Ref } from "./recipe.ts";
import type { Recipe } from "./recipe.ts";

function argumentText(argument: Argument): string {
  if (argument instanceof Ref) return `v${argument.line}`;
  if (argument === null || typeof argument !== "object") return JSON.stringify(argument);
  if (Array.isArray(argument)) return `[${argument.map(argumentText).join(", ")}]`;
  const entries = Object.entries(argument).map(([name, item]) => `${name}: ${argumentText(item)}`);
  return `{ ${entries.join(", ")} }`;
}

function bodyText(body: Body, indent: string): string {
  const args = body.lines.flatMap((line, k) => isInput(line) ? [`v${k}: Tensor`] : []);
  const lines = body.lines.flatMap((line, k) => {
    if (isInput(line)) return [];
    const name = typeof line.call === "number" ? `f${line.call}` : line.call;
    const take = line.take === undefined
      ? ""
      : typeof line.take === "number"
      ? `[${line.take}]!`
      : `.${line.take}`;
    return [`${indent}  const v${k} = ${name}(${line.args.map(argumentText).join(", ")})${take};`];
  });
  const results = body.outputs.map((k) => `v${k}`);
  const result = results.length === 1 ? results[0] : `[${results.join(", ")}]`;
  return [`(${args.join(", ")}) => {`, ...lines, `${indent}  return ${result};`, `${indent}}`]
    .join("\n");
}

function functionText({ wrapper, body, axes }: OwnFunction, k: number): string {
  const name = `f${k}`;
  const plain = `const ${name}Body = ${bodyText(body, "")};`;
  const inner = `${name}Body`;
  const first = `(x: Tensor) => ${inner}(x, ...rest)`;
  switch (wrapper) {
    case "vmap":
      return `${plain}\nconst ${name} = vmap(${inner}, ${JSON.stringify(axes)});`;
    case "customJvp":
      return `${plain}\nconst ${name} = customJvp(${inner}, (p, t) => ` +
        `jvp(${inner}, [...p], [...t]).tangent);`;
    case "halfJvp":
      return `${plain}\nconst ${name} = customJvp(${inner}, (p, t) => ` +
        `mul(jvp(${inner}, [...p], [...t]).tangent, 0.5));`;
    case "inline":
      return `${plain}\nconst ${name} = (...args: Tensor[]) => ` +
        `inline(trace(${inner}, args.map(({ shape, dtype }) => ({ shape, dtype }))).program, args)[0]!;`;
    case "jvp":
      return `${plain}\nconst ${name} = (x: Tensor, t: Tensor, ...rest: Tensor[]) => ` +
        `jvp(${first}, [x], [t]).tangent;`;
    case "vjp":
      return `${plain}\nconst ${name} = (x: Tensor, ct: Tensor, ...rest: Tensor[]) => ` +
        `vjp(${first}, [x]).pullback(ct)[0];`;
    default:
      return `${plain}\nconst ${name} = ${wrapper}(${inner});`;
  }
}

/** A program as TypeScript: its functions, then `program`, a function of tensors. */
export function recipeText(recipe: Recipe): string {
  return [
    ...recipe.functions.map(functionText),
    `const program = ${bodyText({ lines: recipe.lines, outputs: recipe.outputs }, "")};`,
  ].join("\n");
}

/** Names of what a program calls, its own functions by how they are made. */
export function callNames({ lines, functions }: Recipe): Set<string> {
  const names = new Set<string>();
  for (const body of [{ lines }, ...functions.map((own) => own.body)]) {
    for (const line of body.lines) {
      if (isInput(line)) continue;
      names.add(typeof line.call === "number" ? functions[line.call]!.wrapper : line.call);
    }
  }
  return names;
}

/** Shapes of the inputs, in words. */
export function inputText(body: Body): string {
  return inputsOf(body).map(({ dtype, shape }) => `${dtype}[${shape.join(", ")}]`).join(", ");
}
