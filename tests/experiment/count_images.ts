/** A program to be launched: ends with the number of training images in `--data` as its exit code. */
import { loadImageSplits } from "../../src/data/mod.ts";
import { flagValue } from "../../src/experiment/permissions.ts";

const { train } = await loadImageSplits({ data: flagValue(Deno.args, "data")! });
Deno.exit(train.count);
