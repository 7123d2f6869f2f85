/** Names of the axes of operands and result. */
export interface Equation {
  /** For each operand the name of each axis: a letter, or `...k` for the `k`-th further axis from the end. */
  readonly inputs: readonly (readonly string[])[];
  /** Names of the axes of the result. */
  readonly output: readonly string[];
}

/**
 * Reads an equation of Einstein's notation.
 *
 * @param equation The equation, such as `"bij,bjk->bik"` or `"...ij,...jk"`.
 * @param ranks Number of axes of each operand.
 * @param attempt Beginning of messages about the operands.
 * @returns The names of all axes.
 * @throws {SyntaxError} If the equation is not of that form.
 * @throws {TypeError} If the operands have other numbers of axes.
 */
export function parseEquation(
  equation: string,
  ranks: readonly number[],
  attempt: string,
): Equation {
  const compact = equation.replaceAll(" ", "");
  const group = "[A-Za-z]*(?:\\.\\.\\.[A-Za-z]*)?";
  const match = new RegExp(`^(${group}(?:,${group})*)(?:->(${group}))?$`).exec(compact);
  if (!match) {
    throw new SyntaxError(
      `Cannot read the equation '${equation}': expected groups of letters, each with at most one '...', ` +
        `and a result, such as 'ij,jk->ik' or '...ij->...ji'.`,
    );
  }
  const groups = match[1]!.split(",").map(namesOf);
  if (ranks.length !== groups.length) {
    throw new TypeError(`${attempt}: expected ${groups.length} operands.`);
  }
  const further = groups.map((names, k) => furtherAxes(attempt, names, { rank: ranks[k]!, k }));
  const most = Math.max(0, ...further);
  const inputs = groups.map((names, k) => expand(names, further[k]!));
  const output = match[2] === undefined ? implicit(groups, most) : expand(namesOf(match[2]), most);
  const repeated = output.find((name, k) => output.indexOf(name) !== k);
  if (repeated !== undefined) {
    throw new SyntaxError(
      `Cannot read the equation '${equation}': the result names the axis ${repeated} twice, expected ` +
        `distinct names.`,
    );
  }
  const unknown = output.find((name) => !inputs.some((names) => names.includes(name)));
  if (unknown !== undefined) {
    throw new SyntaxError(
      `Cannot read the equation '${equation}': no operand names the axis ${unknown} of the ` +
        `result. Add it with expandDims() and broadcastTo() afterwards.`,
    );
  }
  return { inputs, output };
}

/** Letters, and `...` as one name. */
function namesOf(text: string): string[] {
  return text.match(/\.\.\.|./g) ?? [];
}

/** Number of axes that `...` stands for. */
function furtherAxes(
  attempt: string,
  names: readonly string[],
  { rank, k }: { readonly rank: number; readonly k: number },
): number {
  const open = names.includes("...");
  const letters = names.length - (open ? 1 : 0);
  if (open ? rank >= letters : rank === letters) return rank - letters;
  throw new TypeError(
    `${attempt}: operand ${k} needs ${open ? "at least " : ""}${letters} axes.`,
  );
}

/** Writes out `...`, its axes counted from the end, so that operands of different ranks align there. */
function expand(names: readonly string[], further: number): string[] {
  return names.flatMap((name) =>
    name === "..." ? Array.from({ length: further }, (_, k) => `...${further - k}`) : [name]
  );
}

/** The result of an equation without one: further axes, then letters that occur once. */
function implicit(groups: readonly (readonly string[])[], further: number): string[] {
  const letters = groups.flat().filter((name) => name !== "...");
  const once = letters.filter((name) => letters.indexOf(name) === letters.lastIndexOf(name));
  return [...expand(["..."], further), ...once.sort()];
}
