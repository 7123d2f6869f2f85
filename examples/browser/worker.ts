/** The light worker: WebGPU, or the reference engine where there is none. @module */
import { openEngine } from "@mutasesumele/toolkit";
import { teach } from "./teach.ts";

const asked = new URLSearchParams(self.location.search).get("engine");
await teach(self as never, () => openEngine(asked === "reference" ? "reference" : "auto"));
