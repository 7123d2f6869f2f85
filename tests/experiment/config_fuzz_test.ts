import { assert, assertEquals } from "@std/assert";
import {
  command,
  commandProcess,
  drawFrom,
  fuzzedArgs,
  fuzzedYaml,
  judge,
  tryYaml,
  VALUES,
} from "./config_fuzz.ts";
import { drawn, draws } from "../again.ts";

const COUNT = draws(200);

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("fuzzed YAML files end with 2 and a place, or with the values they say", () =>
  inFolder(async (folder) => {
    let refused = 0;
    for (let seed = 0; seed < COUNT; seed++) {
      refused += await tryYaml(fuzzedYaml(drawFrom(seed)), folder) === 2 ? 1 : 0;
    }
    assert(refused > COUNT / 2 && refused < COUNT - 1, `${refused} of ${COUNT} refused`);
  }));

Deno.test("fuzzed command lines end with 2 and the flag, or with 0", () =>
  inFolder(async (folder) => {
    let refused = 0;
    for (let seed = 0; seed < COUNT; seed++) {
      const args = fuzzedArgs(drawFrom(seed));
      const outcome = await command(args, `${folder}/runs`);
      judge(outcome, JSON.stringify(args));
      refused += outcome.code === 2 ? 1 : 0;
    }
    assert(refused > COUNT / 2 && refused < COUNT - 1, `${refused} of ${COUNT} refused`);
  }));

Deno.test("every odd value of every kind of key ends with 2, or is one that can be computed with", () =>
  inFolder(async (folder) => {
    const keys = [
      ...["pretrain.rate", "pretrain.steps", "model.backbone.encoder.widths", "validation"],
      ...["arms", "arms.meta", "arms.meta.like", "arms.meta.pretrain.0.innerRate", "only.arms"],
    ];
    for (const key of keys) {
      for (const value of drawn(VALUES)) {
        const args = ["--set", `${key}=${value}`];
        judge(await command(args, `${folder}/runs`), JSON.stringify(args));
      }
    }
  }));

Deno.test("a process says of a bad configuration what the command in this process says", () =>
  inFolder(async (folder) => {
    const deep = `${folder}/deep.yaml`;
    await Deno.writeTextFile(deep, "a: " + "[".repeat(100_000));
    const lines = [["--config", deep], ["--set", "validation=1.5"], ["--_", "\x1b[31m"]];
    await Promise.all(lines.map(async (args) => {
      const { code, err } = await command(args, `${folder}/runs`);
      assertEquals(await commandProcess(["--out", `${folder}/runs`, ...args]), { code, err });
      assertEquals(code, 2, err);
    }));
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  }));
