#!/usr/bin/env -S deno run -P=experiment
/**
 * Runs the experiments of this folder: `deno task experiment --list`.
 *
 * @module
 */
import { runExperimentFolder } from "../src/experiment/mod.ts";
// Loaded with the program: an experiment is imported when it may no longer read the sources.
import "../src/study/images.ts";

if (import.meta.main) {
  const folder = new URL(".", import.meta.url);
  Deno.exit(await runExperimentFolder(folder, { load: (url) => import(url) }));
}
