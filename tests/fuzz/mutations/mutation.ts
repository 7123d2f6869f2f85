/** A planted fault. @module */

/** A fault: one place of one file, changed. */
export interface Mutation {
  /** What is broken, in words. */
  readonly name: string;
  /** The file, from the root of the repository. */
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly from: string;
  /** What replaces it. */
  readonly to: string;
  /** Engine that shows the fault soonest; `webgpu` unless told. */
  readonly engine?: "webgpu" | "tfjs";
  /** Adapter that shows it; drawn unless told. */
  readonly adapter?: string;
  /** Whether only inputs that are not finite show it. */
  readonly special?: boolean;
}
