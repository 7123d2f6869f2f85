/** Part of `deno task test:examples`. */
import { testExamples } from "./examples.ts";

await testExamples("core");
