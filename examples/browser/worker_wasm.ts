/** The worker of browsers without WebGPU: TensorFlow.js on wasm, whose files lie beside this one. @module */
import { openEngine } from "@mutasesumele/toolkit/tfjs";
import { teach } from "./teach.ts";

const wasmPath = new URL("wasm/", self.location.href).href;
await teach(self as never, () => openEngine("tfjs", { wasmPath }));
