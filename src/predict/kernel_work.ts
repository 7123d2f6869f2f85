/**
 * What a kernel does, counted in its text.
 *
 * One invocation is followed, the first: its loops run as often as their bounds say, its conditions are taken as
 * they are for it, and both ways where they depend on data. The others do the same, all but those at edges.
 *
 * @module
 */
import type { KernelWork } from "../adapter/predict_time.ts";
import { ARGUMENTS, combinedNumbers, type Numbered } from "./numbered.ts";
import { compute, computeBuiltin, FUNCTIONS, QUOTIENT } from "./wgsl_arithmetic.ts";
import { readKernel } from "./wgsl_syntax.ts";
import type { Expression, FunctionTree, KernelTree, Statement } from "./wgsl_tree.ts";
import { UNKNOWN, vectorOf, type WgslType, WgslTypes, WHOLE } from "./wgsl_types.ts";

/** A kernel, its constants and how many of it are dispatched. */
export interface CountedKernel {
  /** WGSL with the entry point `main`. */
  readonly code: string;
  /** Values of its `override` constants and of the members of its `struct Sizes`. */
  readonly overrides: Readonly<Record<string, number>>;
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
}

/** A value: its type, and the number where it is known. */
interface Value {
  readonly type: WgslType;
  readonly number?: number | undefined;
  /** Where it is kept, if it is no value yet: of the variable that is indexed. */
  readonly space?: string | undefined;
  /** What it numbers from 0 on. */
  readonly counts?: Numbered | undefined;
}

type Scope = Map<string, Value>;
type Counts = { -readonly [Key in keyof KernelWork]: number };
type Loop = Extract<Statement, { kind: "loop" }>;
type Branch = Extract<Statement, { kind: "if" }>;

/** What the two truths are as numbers. */
const TRUTH: Readonly<Record<string, number>> = { true: 1, false: 0 };

/**
 * Counts what a dispatch of a kernel does.
 *
 * @param kernel Text, constants, workgroups.
 * @returns Counts of all invocations.
 * @throws {SyntaxError} If its text has what is not read here.
 */
export function kernelWork(kernel: CountedKernel): KernelWork {
  return new Counter(readKernel(kernel.code), kernel).count();
}

class Counter {
  readonly #tree: KernelTree;
  readonly #kernel: CountedKernel;
  readonly #types: WgslTypes;
  readonly #module: Scope = new Map();
  readonly #work: Counts = {
    ...{ invocations: 0, workgroups: 0, matrices: 0, products: 0, operations: 0, indices: 0 },
    ...{ loads: 0, scalarLoads: 0, stores: 0, scalarStores: 0 },
    ...{ shared: 0, barriers: 0, shuffles: 0 },
  };
  /** How often what is counted happens in an invocation. */
  #times = 1;
  /** Invocations of a workgroup. */
  #invocations = 1;

  constructor(tree: KernelTree, kernel: CountedKernel) {
    this.#tree = tree;
    this.#kernel = kernel;
    this.#types = new WgslTypes(tree.structs);
  }

  count(): KernelWork {
    for (const { name, type, space, value } of this.#tree.variables) {
      const given = this.#kernel.overrides[name];
      const first = value === undefined ? undefined : this.#value(value, this.#module);
      this.#module.set(name, {
        type: this.#types.find(type) ?? first?.type ?? WHOLE,
        number: given ?? first?.number,
        ...(["storage", "uniform", "workgroup"].includes(space) && { space }),
      });
    }
    const main = this.#tree.functions.get("main");
    if (!main) throw new SyntaxError("Cannot count the kernel: found no function 'main'.");
    const size = this.#tree.workgroup.map((side) => this.#value(side, this.#module).number ?? 1);
    const [x, y, z] = this.#kernel.workgroups;
    this.#invocations = size.reduce((a, b) => a * b, 1);
    for (const key of Object.keys(this.#work) as (keyof Counts)[]) this.#work[key] = 0;
    this.#work.workgroups = x * y * z;
    this.#times = this.#work.invocations = this.#invocations * this.#work.workgroups;
    this.#call(main, main.parameters.map((parameter) => this.#builtin(parameter)));
    return this.#work;
  }

  /** An argument of the entry point: the first invocation has number 0 everywhere. */
  #builtin({ type, builtin = "" }: FunctionTree["parameters"][number]): Value {
    const found = this.#types.find(type) ?? WHOLE;
    const number = builtin === "num_workgroups" || builtin === "subgroup_size" ? undefined : 0;
    return { type: found, number, counts: ARGUMENTS[builtin] };
  }

  #call({ parameters, returns, body }: FunctionTree, args: readonly Value[]): Value {
    const scope: Scope = new Map(this.#module);
    parameters.forEach(({ name, type }, k) => {
      const given = args[k];
      scope.set(name, { ...given, type: this.#types.find(type) ?? UNKNOWN });
    });
    const result = this.#run(body, scope);
    const type = this.#types.find(returns) ?? result?.type ?? WHOLE;
    return { type, number: result?.number };
  }

  /** Runs statements; what they return, or `undefined` if they go on. */
  #run(statements: readonly Statement[], scope: Scope): Value | undefined {
    for (const statement of statements) {
      const returned = this.#statement(statement, scope);
      if (returned) return returned;
    }
    return undefined;
  }

  #statement(statement: Statement, scope: Scope): Value | undefined {
    switch (statement.kind) {
      case "declare": {
        const { name, type, value } = statement;
        const found = value && this.#value(value, scope);
        const declared = type === undefined ? found?.type : this.#types.find(type);
        scope.set(name, { ...found, type: declared ?? UNKNOWN });
        return undefined;
      }
      case "assign":
        this.#assign(statement, scope);
        return undefined;
      case "call":
        this.#value(statement.value, scope);
        return undefined;
      case "return": {
        const { value } = statement;
        return value ? this.#value(value, scope) : { type: WHOLE };
      }
      case "leave":
        return undefined;
      case "if": {
        const { condition, then, otherwise } = statement;
        if (this.#shares(statement, scope)) return undefined;
        const { number } = this.#value(condition, scope);
        if (then[0]?.kind === "return") this.#narrow(condition, scope);
        if (number !== undefined) {
          const share = number !== 0 ? this.#localShare(condition, "<", scope) : 1;
          this.#times *= share;
          const returned = this.#run(number !== 0 ? then : otherwise, scope);
          this.#times /= share;
          return returned;
        }
        // Lanes of one vector take both ways.
        this.#run(then, scope);
        this.#run(otherwise, scope);
        return undefined;
      }
      case "loop":
        return this.#loop(statement, scope);
    }
  }

  /** Runs both ways of `if (group < n)`, each for its workgroups, if `group` numbers them; whether it does. */
  #shares({ condition, then, otherwise }: Branch, scope: Scope): boolean {
    if (condition.kind !== "binary" || condition.op !== "<") return false;
    const { left } = condition;
    const group = left.kind === "name" ? scope.get(left.name) : undefined;
    if (left.kind !== "name" || group?.counts !== "groups") return false;
    const end = this.#value(condition.right, scope).number;
    if (group.number === undefined || end === undefined) return false;
    const all = this.#times;
    this.#times = Math.min(all, (end - group.number) * this.#invocations);
    const rest = all - this.#times;
    this.#run(then, new Map(scope));
    this.#times = rest;
    this.#run(otherwise, new Map(scope).set(left.name, { ...group, number: end }));
    this.#times = this.#work.invocations = all;
    return true;
  }

  /** What follows `if (q >= n) { return; }` is done by n invocations, if q numbers them. */
  #narrow(condition: Expression, scope: Scope): void {
    if (condition.kind !== "binary" || condition.op !== ">=") return;
    const { counts } = this.#value(condition.left, scope);
    const { number } = this.#value(condition.right, scope);
    if (counts === "invocations" && number !== undefined && number < this.#times) {
      this.#times = number;
    }
    this.#times *= this.#localShare(condition, ">=", scope);
    // Beyond a barrier, those that leave have worked as well.
    if (this.#work.barriers === 0) this.#work.invocations = this.#times;
  }

  /** Share of a workgroup's invocations whose number is below what it is compared with. */
  #localShare(condition: Expression, op: "<" | ">=", scope: Scope): number {
    if (condition.kind !== "binary" || condition.op !== op) return 1;
    const times = this.#times;
    this.#times = 0;
    const [{ counts }, { number }] = [condition.left, condition.right]
      .map((side) => this.#value(side, scope)) as [Value, Value];
    this.#times = times;
    return counts === "local" && number ? Math.min(1, number / this.#invocations) : 1;
  }

  #assign(
    { target, op, value }: Extract<Statement, { kind: "assign" }>,
    scope: Scope,
  ): void {
    const given = this.#value(value, scope);
    if (target.kind === "name") {
      const before = scope.get(target.name);
      const result = op === "" ? given : this.#combine(op, before ?? given, given);
      scope.set(target.name, { type: before?.type ?? result.type, number: result.number });
      return;
    }
    const place = this.#place(target, scope);
    if (op !== "") this.#combine(op, place, given);
    if (place.space === "storage") {
      this.#add(place.type.size > 1 ? "stores" : "scalarStores", place.type.size);
    } else if (place.space === "workgroup") this.#add("shared", place.type.size);
  }

  /** A loop: its body is counted as in the middle of its rounds, as often as it runs. */
  #loop({ first, condition, next, body }: Loop, outer: Scope): Value | undefined {
    const scope: Scope = new Map(outer);
    if (first) this.#statement(first, scope);
    const trips = condition ? this.#trips({ first, condition, next }, scope) : 1;
    if (trips <= 0) return undefined;
    const times = this.#times;
    this.#times = 0;
    if (first?.kind === "declare") this.#skip(Math.floor(trips / 2), { first, next }, scope);
    this.#times = times * trips;
    if (condition) this.#value(condition, scope);
    this.#run(body, scope);
    this.#times = times;
    return undefined;
  }

  /** Sets the variable of a loop to what it is after some rounds. */
  #skip(
    rounds: number,
    { first: { name }, next }: {
      readonly first: Extract<Statement, { kind: "declare" }>;
      readonly next: Statement | undefined;
    },
    scope: Scope,
  ): void {
    const variable = scope.get(name);
    if (variable?.number === undefined || next?.kind !== "assign") return;
    const step = this.#value(next.value, scope).number;
    const number = step === undefined
      ? undefined
      : compute(next.op, variable.number, rounds * step);
    scope.set(name, { ...variable, number });
  }

  /** How often a loop runs that counts from a number to another; once if that is not known. */
  #trips(
    { first, condition, next }: Pick<Loop, "first" | "next"> & { readonly condition: Expression },
    scope: Scope,
  ): number {
    if (first?.kind !== "declare" || condition.kind !== "binary") return 1;
    const start = scope.get(first.name)?.number;
    const times = this.#times;
    this.#times = 0;
    const end = this.#value(condition.right, scope).number;
    const step = next?.kind === "assign" && (next.op === "+" || next.op === "-")
      ? this.#value(next.value, scope).number
      : undefined;
    this.#times = times;
    if (start === undefined || end === undefined || !step) return 1;
    const distance = Math.abs(end - start) + (condition.op.endsWith("=") ? 1 : 0);
    return (condition.op[0] === "<") === (end >= start) ? Math.ceil(distance / step) : 0;
  }

  #value(expression: Expression, scope: Scope): Value {
    switch (expression.kind) {
      case "number":
        return { type: expression.float ? UNKNOWN : WHOLE, number: expression.value };
      case "name":
      case "index":
      case "member":
        return this.#load(this.#place(expression, scope));
      case "unary": {
        const { type, number } = this.#value(expression.of, scope);
        this.#operate(type, 1);
        const result = number === undefined ? number : expression.op === "-" ? -number : +!number;
        return { type, number: expression.op === "~" ? undefined : result };
      }
      case "binary": {
        const { op, left, right } = expression;
        return this.#combine(op, this.#value(left, scope), this.#value(right, scope));
      }
      case "call":
        return this.#apply(expression, scope);
    }
  }

  /** A variable or a part of it, not loaded yet. */
  #place(expression: Expression, scope: Scope): Value {
    if (expression.kind === "name") {
      return scope.get(expression.name) ?? { type: UNKNOWN, number: TRUTH[expression.name] };
    }
    if (expression.kind === "index") {
      const of = this.#place(expression.of, scope);
      this.#value(expression.at, scope);
      return { type: of.type.element ?? UNKNOWN, space: of.space };
    }
    if (expression.kind !== "member") return this.#value(expression, scope);
    const of = this.#place(expression.of, scope);
    const { name } = expression;
    const member = of.type.members?.find((each) => each.name === name);
    if (member) {
      const number = of.space === "uniform" ? this.#kernel.overrides[name] : undefined;
      return { type: member.type, number, space: of.space === "uniform" ? undefined : of.space };
    }
    return { ...of, type: vectorOf(name.length, of.type.float) };
  }

  #load({ type, number, space, counts }: Value): Value {
    if (space === "storage" && !type.element?.element) {
      this.#add(type.size > 1 ? "loads" : "scalarLoads", type.size);
    } else if (space === "workgroup" && !type.element?.element) this.#add("shared", type.size);
    return { type, number, counts };
  }

  #combine(op: string, left: Value, right: Value): Value {
    const [a, b] = [left.type, right.type];
    const number = compute(op, left.number, right.number);
    const truth = /^([<>]=?|[!=]=|&&|\|\|)$/.test(op);
    if (op === "*" && (a.element?.element || b.element?.element) && a.size > 1 && b.size > 1) {
      // A matrix times a vector or a matrix: rows times columns of multiply-adds.
      const columns = b.element?.element ? b.size / b.element.size : 1;
      const inner = a.element?.element ? a.size / a.element.size : a.size;
      const rows = a.element?.element ? a.element.size : 1;
      this.#add("matrices", (2 * inner - 1) * rows * columns);
      return { type: columns === 1 ? vectorOf(rows, true) : b };
    }
    const type = a.size >= b.size ? a : b;
    if (truth) {
      this.#operate(type, 1);
      return { type: vectorOf(type.size, false), number };
    }
    if (type.float && (op === "*" || op === "+" || op === "-")) this.#add("products", type.size);
    else this.#operate(type, op === "/" || op === "%" ? QUOTIENT : 1);
    const counts = op === "-" && number === 0
      ? left.counts
      : combinedNumbers(op, left.counts, right.counts);
    return { type, number, counts };
  }

  #apply({ name, args }: Extract<Expression, { kind: "call" }>, scope: Scope): Value {
    const values = args.map((arg) => this.#value(arg, scope));
    const own = this.#tree.functions.get(name);
    if (own) return this.#call(own, values);
    const bits = /^bitcast<(.*)>$/.exec(name)?.[1];
    const made = this.#types.find(bits ?? name);
    if (made) {
      const [only] = values;
      // What a float's bits are as a whole number is not followed.
      const kept = values.length === 1 && (!bits || !(made.float || only!.type.float));
      return { type: made, number: kept ? only!.number : undefined };
    }
    if (/Barrier$/.test(name)) {
      this.#add("barriers", 1);
      return { type: WHOLE };
    }
    const widest = values.reduce(
      (a, b) => b.type.size > a.type.size ? b : a,
      values[0] ?? { type: WHOLE },
    );
    if (/^(subgroup|quad)/.test(name)) {
      this.#add("shuffles", widest.type.size);
      return { type: widest.type };
    }
    if (name === "dot" || name === "fma") this.#add("products", 2 * widest.type.size);
    else if (name !== "transpose") this.#operate(widest.type, FUNCTIONS[name] ?? 1);
    const numbers = values.map(({ number }) => number);
    return {
      type: name === "dot" ? vectorOf(1, widest.type.float) : widest.type,
      number: numbers.includes(undefined) ? undefined : computeBuiltin(name, numbers as number[]),
    };
  }

  /** Counts an operation on every number of a type; whole numbers are those that find places. */
  #operate(type: WgslType, cost: number): void {
    this.#add(type.float || type.size > 1 ? "operations" : "indices", cost * type.size);
  }

  #add(what: keyof Counts, amount: number): void {
    this.#work[what] += this.#times * amount;
  }
}
