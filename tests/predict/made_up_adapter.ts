/**
 * An adapter that is not there, for predictions.
 *
 * @module
 */
import { builtInProfile } from "../../src/adapter/mod.ts";
import type { Pictured } from "../../src/predict/paper_device.ts";
import { openPaper, type Paper, type PaperOptions } from "../../src/predict/paper_backend.ts";

/** A CPU adapter with the portable limits and without subgroups. */
export const MADE_UP: Pictured = {
  info: {
    ...{ vendor: "none", architecture: "", device: "", description: "made up" },
    ...{ label: "made up (software)", software: true },
  },
  limits: {
    maxBufferSize: 2 ** 31,
    maxStorageBufferBindingSize: 2 ** 27,
    maxUniformBufferBindingSize: 65536,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupsPerDimension: 65535,
  } as unknown as GPUSupportedLimits,
  features: new Set(),
  subgroups: undefined,
};

/** An engine of paper on it. */
export function madeUpPaper(options: Partial<PaperOptions> = {}): Paper {
  return openPaper(MADE_UP, { profile: builtInProfile("software"), ...options });
}
