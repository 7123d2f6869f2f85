import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { z } from "zod";
import { type CommandLine, parseCommandLine } from "../src/experiment/command_line.ts";
import { configKeys, keysAt } from "../src/experiment/config_keys.ts";
import { fileLayer, resolveConfig, setLayer } from "../src/experiment/config_layers.ts";
import { closestName, unknownName, UsageError } from "../src/experiment/usage_error.ts";
import { parseYaml, placeOf } from "../src/experiment/yaml_source.ts";

const schema = z.strictObject({
  steps: z.int().min(1).default(100).describe("Outer steps."),
  rate: z.number().positive().default(0.01).describe("Learning rate."),
  arms: z.array(z.enum(["meta", "scratch"])).default(["meta"]).describe("Arms."),
  note: z.string().optional().describe("Free text."),
  model: z.strictObject({
    width: z.int().default(32).describe("Width."),
    block: z.strictObject({ dropout: z.number().default(0.25).describe("Share.") }).prefault({}),
  }).prefault({}).describe("Model."),
});

/** Layer of a whole file. */
async function layerOf(text: string, file: string) {
  return await fileLayer(await parseYaml(text, file), { text, file });
}

const usageErrorOf = async (run: () => Promise<unknown>) =>
  (await assertRejects(run, UsageError) as Error).message;

Deno.test("parseYaml() accepts plain values", async () => {
  const cases: [string, unknown][] = [
    ["", null],
    ["a: 1e-3\nb: [x, ~, true]\n", { a: 0.001, b: ["x", null, true] }],
    ["a: &x {b: 1}\nc: *x", { a: { b: 1 }, c: { b: 1 } }],
    ["'2020-01-01'", "2020-01-01"],
  ];
  for (const [text, value] of cases) assertEquals(await parseYaml(text, "f"), value);
});

Deno.test("parseYaml() rejects what a configuration cannot hold, with file, line and column", async () => {
  const cases: [string, string][] = [
    ["a: 1\nb: .nan", "f.yaml:2:4: found NaN, expected a finite number."],
    ["a:\n  - 1\n  - -.inf", "f.yaml:3:5: found -Infinity"],
    ["a: 1e400", "f.yaml:1:4: found Infinity"],
    ["a: 1\nb: 2\na: 3", "f.yaml:3:1: Cannot store mapping pair: duplicated key."],
    ["a: !!foo 1", "f.yaml:1:"],
    ["a: !!js/regexp /x/", "Cannot resolve unknown tag"],
    [
      "a:\n  b: 2020-01-01",
      "f.yaml:2:6: found a Date, expected text, a number, a list or a mapping",
    ],
    ["a: !!binary aGk=", "f.yaml:1:"],
    ["a: &x\n  b: *x", "an alias refers to a value that it is part of."],
    ["__proto__: {x: 1}", "is no valid key"],
    ["a: 'x", "f.yaml:2:1: Unexpected end of the stream"],
    ["a: 1\n---\nb: 2", "f.yaml:2:1: Found more than 1 document"],
    ["a: [1", "f.yaml:"],
    ["a:\n  c: 1\n \tb: 1", "f.yaml:3:2: found a tab in the indentation, expected spaces."],
  ];
  for (const [text, message] of cases) {
    const found = await usageErrorOf(() => parseYaml(text, "f.yaml"));
    assertEquals(found.includes(message), true, `${JSON.stringify(text)} gave ${found}`);
    assertEquals(found.startsWith("f.yaml:"), true, found);
  }
});

Deno.test("parseYaml() stops at documents whose aliases unfold without end", async () => {
  let text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (let i = 1; i < 9; i++) {
    text += `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`).join(", ")}]\n`;
  }
  assertEquals((await usageErrorOf(() => parseYaml(text, "f"))).includes("more than 100000"), true);
});

Deno.test("placeOf() finds keys, values, list items, aliases, and the deepest part that exists", async () => {
  const text =
    "# head\nsmoke: &s\n  model:\n    width:   4\n  arms: [meta, scratch]\nquick: *s\nnone:\n";
  const place = (path: (string | number)[], key = false) => placeOf(path, { text, file: "f", key });
  assertEquals(await place(["smoke", "model", "width"]), "f:4:14");
  assertEquals(await place(["smoke", "model", "width"], true), "f:4:5");
  assertEquals(await place(["smoke", "arms", 1]), "f:5:16");
  assertEquals(await place(["quick", "model", "width"], true), "f:4:5");
  assertEquals(await place(["smoke", "model", "height"]), "f:4:5");
  assertEquals(await place(["none"]), "f:7:1");
  assertEquals(await place([]), "f:2:1");
});

Deno.test("resolveConfig() lets later layers win, merges mappings and replaces lists", async () => {
  const layers = [
    await layerOf("steps: 5\narms: [meta, scratch]\nmodel: {width: 8, block: {dropout: 0.5}}", "p"),
    await layerOf("arms: [scratch]\nmodel: {width: 16}", "c"),
    await setLayer("steps=7"),
    await setLayer("model.block.dropout=0"),
    await setLayer("note= two = words "),
  ];
  assertEquals(await resolveConfig(schema, layers), {
    steps: 7,
    rate: 0.01,
    arms: ["scratch"],
    note: "two = words",
    model: { width: 16, block: { dropout: 0 } },
  });
  assertEquals(await resolveConfig(schema, [await layerOf("", "empty")]), schema.parse({}));
});

Deno.test("resolveConfig() names the place of every issue in the layer that it came from", async () => {
  const layers = [
    await layerOf("steps: 0\nrate: fast\nmodle: {}\nmodel:\n  widht: 3\n  block: 7", "p.yaml"),
    await layerOf("arms: [meta,\n  mta]", "c.yaml"),
    await setLayer("steps=1.5"),
    await setLayer("colour=red"),
  ];
  const lines = (await usageErrorOf(() => resolveConfig(schema, layers))).split("\n");
  const expected = [
    "--set steps=1.5: steps: Invalid input: expected int, received number.",
    "p.yaml:2:7: rate: Invalid input: expected number, received string.",
    'c.yaml:2:3: arms.1: Invalid option: expected one of "meta"|"scratch".',
    "p.yaml:6:10: model.block: Invalid input: expected object, received number.",
    'p.yaml:5:3: Unknown key of "model" "widht". Did you mean "width"? Valid: width, block.',
    'p.yaml:3:1: Unknown key "modle". Did you mean "model"? Valid: steps, rate, arms, note, model.',
    '--set colour=red: Unknown key "colour". Valid: steps, rate, arms, note, model.',
  ];
  assertEquals(lines.toSorted(), expected.toSorted());
});

Deno.test("fileLayer() and setLayer() reject what is no mapping or assignment", async () => {
  assertEquals(
    await usageErrorOf(() => layerOf("- 1\n- 2", "f")),
    "f:1:1: expected a mapping of configuration keys, found [1,2].",
  );
  for (const text of ["steps", "=3", "a..b=3", "__proto__.x=1"]) {
    const message = await usageErrorOf(() => setLayer(text));
    assertEquals(message, `--set ${text}: expected key=value, such as --set model.width=16.`);
  }
  const message = await usageErrorOf(() => setLayer("rate=.nan"));
  assertEquals(message, "--set rate=.nan:1:1: found NaN, expected a finite number.");
  assertEquals((await usageErrorOf(() => setLayer("a=[1"))).startsWith("--set a=[1:"), true);
});

Deno.test("configKeys() lists nested keys with types, defaults and descriptions", async () => {
  assertEquals((await configKeys(schema)).map((key) => Object.values(key)), [
    ["steps", "integer", "100", "Outer steps."],
    ["rate", "number", "0.01", "Learning rate."],
    ["arms", "list of meta | scratch", '["meta"]', "Arms."],
    ["note", "string", undefined, "Free text."],
    ["model.width", "integer", "32", "Width."],
    ["model.block.dropout", "number", "0.25", "Share."],
  ]);
  assertEquals(await keysAt(schema, ["model", "block"]), ["dropout"]);
  assertEquals(await keysAt(schema, ["nothing"]), []);
});

Deno.test("closestName() finds close names only", () => {
  const valid = ["cifar-maml", "sinusoid", "quick", "full"];
  const cases: [string, string | undefined][] = [
    ["cifar-mmal", "cifar-maml"],
    ["CIFAR_MAML", "cifar-maml"],
    ["sinsoid", "sinusoid"],
    ["qucik", "quick"],
    ["omniglot", undefined],
    ["x", undefined],
    ["", undefined],
  ];
  for (const [found, expected] of cases) assertEquals(closestName(found, valid), expected, found);
  assertEquals(
    unknownName("preset", { found: "x", valid: [] }),
    'Unknown preset "x". There is none.',
  );
});

Deno.test("parseCommandLine() reads every flag and fills in defaults", () => {
  const none: CommandLine = {
    names: [],
    list: false,
    help: false,
    preset: undefined,
    config: undefined,
    set: [],
    seed: 0,
    data: "auto",
    engine: "auto",
    out: "runs",
    resume: undefined,
  };
  assertEquals(parseCommandLine([]), none);
  const args =
    "name --preset=p --config c.yaml --set a=1 --set b.c=x=y --seed 4294967295 --data d " +
    "--engine tfjs --out o";
  assertEquals(parseCommandLine(args.split(" ")), {
    ...none,
    names: ["name"],
    preset: "p",
    config: "c.yaml",
    set: ["a=1", "b.c=x=y"],
    seed: 4294967295,
    data: "d",
    engine: "tfjs",
    out: "o",
  });
  assertEquals(parseCommandLine(["name", "--resume", "r", "-h"]).resume, "r");
  assertEquals(parseCommandLine(["-h"]).help, true);
});

Deno.test("parseCommandLine() rejects what it does not know", () => {
  const cases: [string, string][] = [
    ["--sede 3", 'Unknown flag "--sede". Did you mean "--seed"? Valid: --preset, --config, --set'],
    ["--no-help", 'Unknown flag "--no-help"'],
    ["-x", 'Unknown flag "-x"'],
    ["--seed", "Flag --seed needs a value"],
    ["--preset --list", "Flag --preset needs a value"],
    ["--seed 1 --seed 2", "Flag --seed was given 2 times"],
    ["--seed=-1", 'Flag --seed got "-1", expected a natural number below 2^32'],
    ["--seed 1.5", 'got "1.5"'],
    ["--seed 4294967296", 'got "4294967296"'],
    ["--engine cuda", 'Unknown engine "cuda". Valid: webgpu, tfjs, reference, auto.'],
    ["--engine webgup", 'Did you mean "webgpu"?'],
    ["--resume r --seed 1", "Flag --seed cannot be given with --resume"],
    ["--resume r --set a=1", "Flag --set cannot be given with --resume"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseCommandLine(args.split(" ")), UsageError, message);
  }
});
