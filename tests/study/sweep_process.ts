/** The sweep as a process of its own, on the fixture: `deno run -A tests/study/sweep_process.ts demo ...`. */
import { sweepCommand } from "../../src/study/sweep/sweep_command.ts";

/** The command that runs the fixture. */
export const program: readonly string[] = [
  ...[Deno.execPath(), "run", "-A", "--no-check"],
  ...["--config", decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname)],
  decodeURIComponent(new URL("fixture_experiment.ts", import.meta.url).pathname),
];

if (import.meta.main) Deno.exit(await sweepCommand(Deno.args, { program }));
