/** Faults of a configuration file are told once, where they were written. */
import { assertEquals } from "@std/assert";
import { command } from "../experiment/config_fuzz.ts";

const head = "experiments/cifar-maml.ts --help";

const cases: readonly { readonly what: string; readonly text: string; readonly says: string[] }[] =
  [
    {
      what: "an option for all arms is not told again for the phases that take it over",
      text: "meta: { innerRate: -1 }\n",
      says: ["1:20: meta.innerRate: Too small: expected number to be >=0."],
    },
    {
      what: "what a list lacks is not looked for in the list that it replaces",
      text: "arms:\n  meta:\n    pretrain: [{ steps: 3 }]\n",
      says: [
        "3:16: arms.meta.pretrain.0.objective: Invalid option: expected one of " +
        '"alignment"|"classification"|"joint"|"meta"|"pretext".',
      ],
    },
    {
      what: "a name that no folder could have is refused",
      text: `arms: { ${"a".repeat(300)}: { protocols: [fine-tune] } }\n`,
      says: [`1:311: arms.${"a".repeat(72)}...: Invalid key in record.`],
    },
  ];

for (const { what, text, says } of cases) {
  Deno.test(what, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const file = `${folder}/own.yaml`;
      await Deno.writeTextFile(file, text);
      const { code, err } = await command(["--config", file], `${folder}/runs`);
      assertEquals(err.trimEnd().split("\n"), [
        ...says.map((line) => `${file}:${line}`),
        `See: ${head}`,
      ]);
      assertEquals(code, 2);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
