/**
 * Where the time of a model, of a workload or of a function of one's own goes, dispatch by dispatch:
 * `deno task profile TARGET`, `--help` for more. `full` is the meta-training step of cifar-maml at the size of the
 * original.
 *
 * @module
 */
import { profileCommand } from "../src/workbench/profile_command.ts";
import { conv4Workload } from "../tests/workloads/conv4.ts";
import { fullStep } from "./full_step.ts";

Deno.exit(
  await profileCommand(Deno.args, {
    load: (address) => import(address),
    workloads: {
      small: (order) => ({ ...conv4Workload("small", { order }), name: `W-small, ${order} order` }),
      mid: (order) => ({ ...conv4Workload("mid", { order }), name: `W-mid, ${order} order` }),
      full: (order) => ({ ...fullStep(order), name: `full step of cifar-maml, ${order} order` }),
    },
  }),
);
