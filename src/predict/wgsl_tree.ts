/**
 * The part of WGSL that kernels are written in, as trees.
 *
 * Source: WebGPU Shading Language, W3C, section 8 (expressions) and 9 (statements).
 *
 * @module
 */

/** An expression. */
export type Expression =
  | { readonly kind: "number"; readonly value: number; readonly float: boolean }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly op: string; readonly of: Expression }
  | {
    readonly kind: "binary";
    readonly op: string;
    readonly left: Expression;
    readonly right: Expression;
  }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: "index"; readonly of: Expression; readonly at: Expression }
  | { readonly kind: "member"; readonly of: Expression; readonly name: string };

/** A statement. */
export type Statement =
  | {
    readonly kind: "declare";
    readonly name: string;
    readonly type: string | undefined;
    readonly value: Expression | undefined;
  }
  | {
    readonly kind: "assign";
    readonly target: Expression;
    readonly op: string;
    readonly value: Expression;
  }
  | {
    readonly kind: "if";
    readonly condition: Expression;
    readonly then: readonly Statement[];
    readonly otherwise: readonly Statement[];
  }
  | {
    readonly kind: "loop";
    readonly first: Statement | undefined;
    readonly condition: Expression | undefined;
    readonly next: Statement | undefined;
    readonly body: readonly Statement[];
  }
  | { readonly kind: "return"; readonly value: Expression | undefined }
  | { readonly kind: "call"; readonly value: Expression }
  | { readonly kind: "leave" };

/** A variable with its type. */
export interface TypedName {
  /** Its name. */
  readonly name: string;
  /** Its type, as written, without blanks. */
  readonly type: string;
  /** Its `@builtin`, if it has one. */
  readonly builtin?: string;
}

/** A function. */
export interface FunctionTree {
  /** Names and types of what it is given. */
  readonly parameters: readonly TypedName[];
  /** Type of what it returns; empty for nothing. */
  readonly returns: string;
  /** Its statements. */
  readonly body: readonly Statement[];
}

/** A variable outside of all functions. */
export interface ModuleVariable extends TypedName {
  /** `storage`, `uniform`, `workgroup`; or `override`, `const` for what has a value. */
  readonly space: string;
  /** Its value, where the text has one. */
  readonly value: Expression | undefined;
}

/** A whole kernel. */
export interface KernelTree {
  /** Members of its structs, by name. */
  readonly structs: ReadonlyMap<string, readonly TypedName[]>;
  /** Its variables and constants. */
  readonly variables: readonly ModuleVariable[];
  /** Its functions; the entry point is `main`. */
  readonly functions: ReadonlyMap<string, FunctionTree>;
  /** Invocations of a workgroup along x, y, z, as written. */
  readonly workgroup: readonly Expression[];
}
