#!/usr/bin/env -S deno run -P=experiment
/**
 * Runs the experiments of this folder: `deno task experiment --list`.
 *
 * @module
 */
import { runExperimentFolder } from "../mod.ts";

if (import.meta.main) {
  const folder = new URL(".", import.meta.url);
  Deno.exit(await runExperimentFolder(folder, { load: (url) => import(url) }));
}
