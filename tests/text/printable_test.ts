import { assertEquals } from "@std/assert";
import { z } from "zod";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { runCommand } from "../../src/experiment/run_command.ts";
import { readMetrics } from "../../src/run/metrics.ts";
import { Progress } from "../../src/run/progress.ts";
import { excerpt, printable, printableLines } from "../../src/text/printable.ts";

/** Red, a cleared screen by an eight-bit CSI, text that runs backwards, a forged line. */
const nasty = "\x1b[31m\x9b2J\u202e\u2028\r\ninfo: all is well";
const obeyed = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}]/u;

Deno.test("printable() escapes what a terminal obeys and nothing else", () => {
  const kept = "Zürich 東京 👩‍👩‍👧 ﷼ e\u0301 \u00a0\\u001b";
  assertEquals(printable(kept), kept);
  assertEquals(printableLines(`${kept}\n\t${kept}`), `${kept}\n\t${kept}`);
  assertEquals(printable("a\x1b[0m\n\t"), "a\\u001b[0m\\u000a\\u0009");
  assertEquals(printableLines("a\r\nb\rc\x7f\x85\ud800"), "a\nb\\u000dc\\u007f\\u0085\\ud800");
  assertEquals(printable("\u200e\u200f\u061c\u2066"), "\\u200e\\u200f\\u061c\\u2066");
  const value = { [nasty]: nasty };
  assertEquals(JSON.parse(printableLines(JSON.stringify(value, null, 2))), value);
  assertEquals(excerpt("x".repeat(99)), `${"x".repeat(77)}...`);
});

Deno.test("Progress shows labels, names of metrics and lines harmlessly", () => {
  for (const terminal of [false, true]) {
    let text = "";
    let time = 0;
    const write = (piece: string) => void (text += piece);
    const columns = () => 500;
    const progress = new Progress({ write, terminal, color: false, columns, now: () => time });
    progress.begin({ label: nasty, total: 2 });
    time = 20_000;
    progress.update(1, { [nasty]: 1 });
    progress.log(`class ${nasty}`);
    progress.end();
    const shown = text.replaceAll("\r", "").replaceAll("\x1b[K", "");
    assertEquals(obeyed.test(shown), false, JSON.stringify(shown));
    assertEquals(
      shown.includes("class \\u001b[31m\\u009b2J\\u202e\\u2028\ninfo: all is well\n"),
      true,
    );
  }
});

Deno.test("a run shows and writes names from elsewhere harmlessly", async () => {
  const out = await Deno.makeTempDir();
  try {
    const experiment = defineExperiment({
      name: "nasty",
      title: `A title ${nasty}`,
      summary: nasty,
      schema: z.strictObject({ note: z.string().default(nasty).describe(nasty) }),
      async run({ openMetrics, folder, log, print }) {
        log(nasty);
        print(nasty);
        openMetrics().write({ arm: "a", phase: nasty, step: 1, [nasty]: 1 });
        await folder.writeSummary({ [nasty]: nasty });
        throw new Error(`Cannot read class ${nasty}.`, { cause: new Error(nasty) });
      },
    });
    let shown = "";
    const show = (text: string) => void (shown += `${text}\n`);
    const progress = { write: show, terminal: false, color: false, columns: () => 0, now: () => 0 };
    const command = (...args: string[]) =>
      runCommand(experiment, { args: ["--out", out, ...args], output: { print: show, progress } });
    assertEquals(await command(), 1);
    assertEquals(await command("--help"), 0);
    assertEquals(await command("--set", `no${nasty}te=1`), 2);
    assertEquals(obeyed.test(shown), false, JSON.stringify(shown));
    const [run] = [...Deno.readDirSync(`${out}/nasty`)];
    const path = `${out}/nasty/${run!.name}`;
    for (const file of ["error.txt", "status.json", "summary.json", "metrics.jsonl"]) {
      const text = await Deno.readTextFile(`${path}/${file}`);
      assertEquals(text.includes("\\u009b2J"), true, file);
      assertEquals(obeyed.test(text), false, `${file}: ${JSON.stringify(text)}`);
    }
    const record = (await readMetrics(`${path}/metrics.jsonl`))[0]!;
    assertEquals([record.phase, record[nasty]], [nasty, 1]);
    const summary = JSON.parse(await Deno.readTextFile(`${path}/summary.json`));
    assertEquals(summary, { [nasty]: nasty });
    assertEquals(/(?!\n)\p{Cc}/u.test(await Deno.readTextFile(`${path}/config.yaml`)), false);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});
