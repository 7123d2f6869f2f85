/**
 * The current backend of TensorFlow.js, of which a process has one.
 *
 * @module
 */
import type { Tf } from "./load.ts";

/**
 * Runs `fn` with a backend current, and makes the one from before current again.
 *
 * @param tf The module.
 * @param name A backend that is started.
 * @param fn What to run; it may not wait for anything.
 * @returns What `fn` returns.
 * @throws {Error} If there is no such backend, or it is not started.
 */
export function withBackend<T>(tf: Tf, name: string, fn: () => T): T {
  const before = tf.getBackend();
  if (before === name) return fn();
  makeCurrent(tf, name);
  try {
    return fn();
  } finally {
    if (isStarted(tf, before)) makeCurrent(tf, before);
  }
}

/** Whether a backend is there and needs not be waited for. */
export function isStarted(tf: Tf, name: string): boolean {
  return name in tf.engine().registry;
}

function makeCurrent(tf: Tf, name: string): void {
  // Of a backend that is started, TensorFlow.js makes the switch before it returns its promise.
  if (isStarted(tf, name)) void tf.setBackend(name);
  if (isStarted(tf, name) && tf.getBackend() === name) return;
  throw new Error(
    `Cannot compute on the backend '${name}' of TensorFlow.js: it is not there any more. ` +
      `Open a new engine.`,
  );
}
