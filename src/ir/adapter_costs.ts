/**
 * What the compiler believes of an adapter: costs in simple operations, and how much work keeps it busy.
 *
 * @module
 */

/**
 * Costs of an adapter as the compiler weighs them. One simple operation is an addition of one element, all of
 * the adapter computing; `adapterCosts` of `src/adapter` makes them of a profile.
 */
export interface AdapterCosts {
  /** Of loading one element, in simple operations. */
  readonly load: number;
  /** Of storing one element, in simple operations; what it takes of the memory is counted in. */
  readonly store: number;
  /** Of one more dispatch, in simple operations. */
  readonly dispatch: number;
  /** Of taking one element from another lane of a subgroup, in simple operations. */
  readonly shuffle: number;
  /** Invocations that keep the adapter busy, by what each does. */
  readonly busy: {
    /** Of kernels that compute a few elements each. */
    readonly mapped: number;
    /** Of kernels that reduce. */
    readonly reduced: number;
    /** Of kernels that compute a tile each. */
    readonly tiled: number;
  };
  /** Fewest loop iterations of an invocation that are worth splitting a sum, and a pass that joins the parts. */
  readonly leastIterations: {
    /** Of a generated reduction. */
    readonly reduced: number;
    /** Of a tile. */
    readonly tiled: number;
  };
  /** Loop iterations of all invocations together that cost less than a dispatch that joins parts; 0 for none. */
  readonly shortLoops: number;
  /** Fewest neighbouring elements of a row that a workgroup reads about as fast as whole rows. */
  readonly leastRun: number;
  /** Invocations of a workgroup of the kernels that compute a tile each. */
  readonly tiledWorkgroup: number;
  /** Fewest elements that are computed four at a time: of fewer, it takes longer to compile the text of all four. */
  readonly leastVectors: number;
  /** Simple operations of one element from which on an expression is too long to compile it in several kernels. */
  readonly longExpression: number;
  /** Whether more workgroups run at once if each takes less workgroup memory. */
  readonly occupancy: boolean;
}
