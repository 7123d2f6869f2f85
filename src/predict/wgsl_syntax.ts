/**
 * Reads the part of WGSL that kernels are written in: enough to count what they do.
 *
 * Source: WebGPU Shading Language, W3C, section 8 (expressions) and 9 (statements).
 *
 * @module
 */
import type {
  Expression,
  FunctionTree,
  KernelTree,
  ModuleVariable,
  Statement,
  TypedName,
} from "./wgsl_tree.ts";

const TOKEN =
  /0[xX][\da-fA-F]+[iu]?|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?[iufh]?|[A-Za-z_]\w*|<<=|>>=|&&|\|\||<<|>>|==|!=|<=|>=|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|->|[^\s\w]/g;

/** Operators by how strongly they bind, the weakest first. */
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!=", "<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Types that take others in angle brackets, and the builtin that does. */
const GENERIC = /^(vec[234]|mat[234]x[234]|array|ptr|atomic|bitcast)$/;

const trees = new Map<string, KernelTree>();

/** Most texts that are kept read. */
const MOST_TREES = 4096;

/**
 * Reads a kernel, once for all that ask.
 *
 * @param code WGSL with the entry point `main`.
 * @returns Its tree.
 * @throws {SyntaxError} If it has what is not read here; names it.
 */
export function readKernel(code: string): KernelTree {
  let tree = trees.get(code);
  if (!tree) {
    if (trees.size >= MOST_TREES) trees.clear();
    trees.set(code, tree = new Reader(code).kernel());
  }
  return tree;
}

/** What is read of attributes. */
interface Attributes {
  readonly workgroup?: readonly Expression[];
  readonly builtin?: string;
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(code: string) {
    const text = code.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/\/\/[^\n]*/g, " ");
    this.#tokens = text.match(TOKEN) ?? [];
  }

  kernel(): KernelTree {
    const structs = new Map<string, readonly TypedName[]>();
    const functions = new Map<string, FunctionTree>();
    const variables: ModuleVariable[] = [];
    let workgroup: readonly Expression[] = [];
    while (this.#at < this.#tokens.length) {
      workgroup = this.#attributes().workgroup ?? workgroup;
      const word = this.#take();
      if (word === ";") continue;
      if (word === "enable" || word === "requires" || word === "diagnostic") {
        while (this.#take() !== ";");
      } else if (word === "struct") {
        const name = this.#take();
        structs.set(name, this.#names("{", "}"));
      } else if (word === "fn") {
        const name = this.#take();
        functions.set(name, this.#function());
      } else if (word === "var" || word === "override" || word === "const") {
        variables.push(this.#moduleVariable(word));
      } else throw this.#error(word, "a declaration");
    }
    return { structs, variables, functions, workgroup };
  }

  #function(): FunctionTree {
    const parameters = this.#names("(", ")");
    let returns = "";
    if (this.#skip("->")) {
      this.#attributes();
      returns = this.#type();
    }
    return { parameters, returns, body: this.#block() };
  }

  #moduleVariable(word: string): ModuleVariable {
    let space = word;
    if (this.#skip("<")) {
      space = this.#take();
      while (this.#take() !== ">");
    }
    const name = this.#take();
    const type = this.#skip(":") ? this.#type() : "";
    const value = this.#skip("=") ? this.#expression() : undefined;
    this.#expect(";");
    return { name, type, space, value };
  }

  /** Names with types between brackets. */
  #names(open: string, close: string): TypedName[] {
    this.#expect(open);
    const found: TypedName[] = [];
    while (!this.#skip(close)) {
      const { builtin } = this.#attributes();
      const name = this.#take();
      this.#expect(":");
      found.push({ name, type: this.#type(), ...(builtin !== undefined && { builtin }) });
      this.#skip(",");
    }
    return found;
  }

  /** Passes over attributes: sizes of a workgroup and the name of a builtin among them. */
  #attributes(): Attributes {
    let found: Attributes = {};
    while (this.#skip("@")) {
      const name = this.#take();
      if (this.#peek() !== "(") continue;
      const args = this.#arguments();
      if (name === "workgroup_size") found = { ...found, workgroup: args };
      const [first] = args;
      if (name === "builtin" && first?.kind === "name") found = { ...found, builtin: first.name };
    }
    return found;
  }

  #type(): string {
    let text = this.#take();
    if (this.#peek() !== "<") return text;
    let depth = 0;
    do {
      const token = this.#take();
      text += token;
      depth += token === "<" ? 1 : token === ">" ? -1 : token === ">>" ? -2 : 0;
    } while (depth > 0);
    return text;
  }

  #block(): Statement[] {
    this.#expect("{");
    const found: Statement[] = [];
    while (!this.#skip("}")) {
      if (this.#skip(";")) continue;
      if (this.#peek() === "{") found.push(...this.#block());
      else if (this.#skip("loop")) found.push(this.#loop(found.pop()));
      else found.push(this.#statement());
    }
    return found;
  }

  #statement(): Statement {
    switch (this.#peek()) {
      case "if":
        this.#take();
        return this.#if();
      case "for": {
        this.#take();
        this.#expect("(");
        const first = this.#peek() === ";" ? undefined : this.#simple();
        this.#expect(";");
        const condition = this.#peek() === ";" ? undefined : this.#expression();
        this.#expect(";");
        const next = this.#peek() === ")" ? undefined : this.#simple();
        this.#expect(")");
        return { kind: "loop", first, condition, next, body: this.#block() };
      }
      case "while": {
        this.#take();
        const condition = this.#expression();
        const none = { first: undefined, next: undefined };
        return { kind: "loop", ...none, condition, body: this.#block() };
      }
      case "return": {
        this.#take();
        const value = this.#peek() === ";" ? undefined : this.#expression();
        this.#expect(";");
        return { kind: "return", value };
      }
      case "continue":
      case "break":
        this.#take();
        this.#expect(";");
        return { kind: "leave" };
      default: {
        const found = this.#simple();
        this.#expect(";");
        return found;
      }
    }
  }

  /** A loop that ends at its bottom, `var i = a; loop { ...; i++; if (i >= b) { break; } }`, as one with a head. */
  #loop(first: Statement | undefined): Statement {
    const body = this.#block();
    const [next, end] = body.splice(-2);
    const ends = end?.kind === "if" && end.then[0]?.kind === "leave" ? end.condition : undefined;
    if (first?.kind !== "declare" || ends?.kind !== "binary" || ends.op !== ">=") {
      throw this.#error("a loop", "'var i = a; loop { ...; i++; if (i >= b) { break; } }'");
    }
    return { kind: "loop", first, condition: { ...ends, op: "<" }, next, body };
  }

  #if(): Statement {
    const condition = this.#expression();
    const then = this.#block();
    if (!this.#skip("else")) return { kind: "if", condition, then, otherwise: [] };
    const otherwise = this.#skip("if") ? [this.#if()] : this.#block();
    return { kind: "if", condition, then, otherwise };
  }

  /** A declaration, an assignment or a call, without what ends it. */
  #simple(): Statement {
    const word = this.#peek();
    if (word === "let" || word === "var" || word === "const") {
      this.#take();
      const name = this.#take();
      const type = this.#skip(":") ? this.#type() : undefined;
      const value = this.#skip("=") ? this.#expression() : undefined;
      return { kind: "declare", name, type, value };
    }
    const target = this.#expression();
    const op = this.#peek() ?? "";
    if (op === "++" || op === "--") {
      this.#take();
      const one = { kind: "number", value: 1, float: false } as const;
      return { kind: "assign", target, op: op[0]!, value: one };
    }
    if (/^([-+*/%&|^]|<<|>>)?=$/.test(op)) {
      this.#take();
      return { kind: "assign", target, op: op.slice(0, -1), value: this.#expression() };
    }
    return { kind: "call", value: target };
  }

  #expression(level = 0): Expression {
    if (level === LEVELS.length) return this.#unary();
    let left = this.#expression(level + 1);
    while (LEVELS[level]!.includes(this.#peek() ?? "")) {
      const op = this.#take();
      left = { kind: "binary", op, left, right: this.#expression(level + 1) };
    }
    return left;
  }

  #unary(): Expression {
    const op = this.#peek() ?? "";
    if (!["-", "!", "~", "&", "*"].includes(op)) return this.#postfix(this.#primary());
    this.#take();
    const of = this.#unary();
    return op === "&" || op === "*" ? of : { kind: "unary", op, of };
  }

  #postfix(of: Expression): Expression {
    if (this.#skip("[")) {
      const at = this.#expression();
      this.#expect("]");
      return this.#postfix({ kind: "index", of, at });
    }
    if (this.#skip(".")) return this.#postfix({ kind: "member", of, name: this.#take() });
    return of;
  }

  #primary(): Expression {
    const token = this.#take();
    if (token === "(") {
      const inner = this.#expression();
      this.#expect(")");
      return inner;
    }
    if (/^[\d.]/.test(token)) {
      const hex = /^0[xX]/.test(token);
      const value = Number(token.replace(hex ? /[iu]$/ : /[iufh]$/, ""));
      return { kind: "number", value, float: !hex && /[.eEfh]/.test(token) };
    }
    if (!/^[A-Za-z_]/.test(token)) throw this.#error(token, "an expression");
    let name = token;
    if (GENERIC.test(token) && this.#peek() === "<") {
      this.#at--;
      name = this.#type();
    }
    return this.#peek() === "("
      ? { kind: "call", name, args: this.#arguments() }
      : { kind: "name", name };
  }

  #arguments(): Expression[] {
    this.#expect("(");
    const found: Expression[] = [];
    while (!this.#skip(")")) {
      found.push(this.#expression());
      this.#skip(",");
    }
    return found;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw this.#error("the end", "more of it");
    return token;
  }

  #skip(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    const found = this.#take();
    if (found !== token) throw this.#error(found, `'${token}'`);
  }

  #error(found: string, expected: string): SyntaxError {
    const near = this.#tokens.slice(Math.max(0, this.#at - 8), this.#at + 4).join(" ");
    return new SyntaxError(
      `Cannot read the kernel: found '${found}', expected ${expected}, in: ${near}`,
    );
  }
}
