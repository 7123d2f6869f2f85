/** What the page tells the test. @module */

/** Outcome of one check. */
export interface PageCheck {
  /** What was checked. */
  readonly name: string;
  /** Whether it was right. */
  readonly right: boolean;
  /** What was found, in words. */
  readonly found: string;
}

/** Outcome of all checks. */
export interface PageReport {
  /** The adapter in words. */
  readonly adapter: string;
  /** All outcomes. */
  readonly checks: readonly PageCheck[];
}
