/**
 * An adapter for tests that plan without a device.
 *
 * @module
 */
import type { DeviceTraits } from "../src/ir/lowering.ts";

/** A CPU adapter with the portable limits and without subgroups. */
export const SOFTWARE_TRAITS: DeviceTraits = {
  software: true,
  subgroupLanes: 0,
  maxWorkgroupInvocations: 256,
  maxWorkgroupStorage: 16384,
  maxWorkgroupsPerDimension: 65535,
  maxUniformBinding: 65536,
  maxStorageBinding: 2 ** 27,
  maxStorageBuffers: 8,
};
