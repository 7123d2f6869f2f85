import { assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import { configKeys, viewSchema } from "../../src/experiment/config_keys.ts";
import { readConfigFile } from "../../src/experiment/config_file.ts";
import { fileLayer, resolveConfig, setLayer } from "../../src/experiment/config_layers.ts";
import { closestName, unknownName, UsageError } from "../../src/experiment/usage_error.ts";
import { readYaml } from "../../src/experiment/yaml_source.ts";

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
  return fileLayer(await readYaml(text, file));
}

const usageErrorOf = async (run: () => Promise<unknown>) =>
  (await assertRejects(run, UsageError) as Error).message;

Deno.test("readYaml() accepts plain values", async () => {
  const cases: [string, unknown][] = [
    ["", null],
    ["# only a comment", null],
    ["a: 1e-3\nb: [x, ~, true]\n", { a: 0.001, b: ["x", null, true] }],
    ["a: &x {b: 1}\nc: *x", { a: { b: 1 }, c: { b: 1 } }],
    ["a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", { a: { b: 1, c: 2 }, d: { b: 1, c: 3 } }],
    [
      "a: &x {b: 1}\nc: &y {b: 2, d: 2}\ne: {<<: [*x, *y]}",
      { a: { b: 1 }, c: { b: 2, d: 2 }, e: { b: 1, d: 2 } },
    ],
    ["a: {'<<': 1}", { a: { "<<": 1 } }],
    ["'2020-01-01'", "2020-01-01"],
    // YAML 1.2: text, not numbers, dates or truths.
    [
      "[0b11, 1__0, 1_000, 1:30, yes, 2020-01-01]",
      "0b11 1__0 1_000 1:30 yes 2020-01-01".split(" "),
    ],
    ["[0o17, 0x1f, -0, 1e38, 1.2e-38, 4294967296]", [15, 31, -0, 1e38, 1.2e-38, 2 ** 32]],
    ["1: a\ntrue: b\nconstructor: c", { 1: "a", true: "b", constructor: "c" }],
  ];
  for (const [text, value] of cases) assertEquals((await readYaml(text, "f")).value, value, text);
});

Deno.test("readYaml() rejects what a configuration cannot hold, with file, line and column", async () => {
  const cases: [string, string][] = [
    ["a: 1\nb: .nan", "2:4: found .nan, expected a finite number."],
    ["a:\n  - 1\n  - -.inf", "3:5: found -.inf, expected a finite number."],
    ["a: 1e400", "1:4: found 1e400, expected a finite number."],
    ["a: 1e39", "1:4: found 1e39, beyond float32, which holds numbers up to 3.4e38."],
    ["a: -3.5e38", "1:4: found -3.5e38, beyond float32"],
    ["a: 5e-324", "1:4: found 5e-324, too close to zero for float32"],
    ["a: 1e-400", "1:4: found 1e-400, too close to zero for float32"],
    ["a: [1, 017]", "1:8: found 017, expected a number without leading zeros"],
    ["a: -08", "1:4: found -08, expected a number without leading zeros"],
    ["a: 9007199254740993", "1:4: found 9007199254740993, an integer that is not held exactly"],
    ["a: 1\nb: 2\na: 3", '3:1: found the key "a" twice in one mapping.'],
    ["{a: 1, 'a': 2}", '1:8: found the key "a" twice in one mapping.'],
    ["a: !!foo 1", "1:4: Unresolved tag: tag:yaml.org,2002:foo."],
    ["a: !!str 1", "1:10: found the tag !!str, expected none. Quote a value to make it text."],
    ["a: !!binary aGk=", "1:13: found the tag !!binary, expected none"],
    ["a: &x\n  b: *x", "2:6: an alias refers to a value that it is part of."],
    ["a: 1\nb: *x", "2:4: found the alias *x, but no anchor of that name before it."],
    ["a: 1\n__proto__: {x: 1}", '2:1: "__proto__" is no valid key.'],
    ["a:\n  ? [b]\n  : 1", "2:5: expected a text as key."],
    ["~: 1", "1:1: expected a text as key."],
    ["a: {<<: 1}", '1:5: the key "<<" expects a mapping or a list of mappings.'],
    ["a: {<<: {b: 1}, <<: {c: 1}}", '1:17: found the key "<<" twice.'],
    ["a: 'x", "1:6: Missing closing 'quote."],
    ["a: 1\n---\nb: 2", "2:1: found a second document, expected one."],
    ["%YAML 1.1\n---\na: 1", "1:1: found a %YAML directive, expected none"],
    [
      "a: [1",
      "1:6: Flow sequence in block collection must be sufficiently indented and end with a ].",
    ],
    ["a:\n  c: 1\n \tb: 1", "3:2: found a tab in the indentation, expected spaces."],
    ["a:\n\tb: 1", "2:1: found a tab in the indentation, expected spaces."],
    ["a: 1\nb: \x1b[31m", "2:4: found \\u001b, which YAML does not allow."],
    ["a:\n  " + "[".repeat(60), "2:52: nested more than 50 levels deep."],
    ["# x\na: " + "{a: ".repeat(60), "2:197: nested more than 50 levels deep."],
    [`a: "${"x".repeat(2 ** 18)}"`, "1:1: found 262149 characters, expected at most 262144."],
  ];
  const wrong: string[] = [];
  for (const [text, message] of cases) {
    const found = await usageErrorOf(() => readYaml(text, "f.yaml"));
    if (!found.startsWith(`f.yaml:${message}`)) wrong.push(`${JSON.stringify(text)}: ${found}`);
  }
  assertEquals(wrong, []);
});

Deno.test("readYaml() stops at documents whose aliases unfold without end or too deep", async () => {
  let wide = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  let deep = "a0: &a0 [x]\n";
  for (let i = 1; i < 60; i++) {
    if (i < 9) wide += `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`).join(", ")}]\n`;
    deep += `a${i}: &a${i} [*a${i - 1}]\n`;
  }
  // 87,000 merges of 60,000 keys each: refused after as many values as are allowed.
  const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}: 1`).join(", ");
  const merges = `a: &a {${keys}}\nb: [${"{<<: *a}, ".repeat(10_000)}]`;
  const cases: [string, string][] = [
    [wide, "f:5:9: more than 100000 values."],
    [deep, "f:51:11: nested more than 50 levels deep."],
    [merges, "f:2:95: more than 100000 values."],
  ];
  for (const [text, message] of cases) {
    assertEquals(await usageErrorOf(() => readYaml(text, "f")), message);
  }
});

Deno.test("place() finds keys, values, list items, aliases, and the deepest part that exists", async () => {
  const text =
    "# head\nsmoke: &s\n  model:\n    width:   4\n  arms: [meta, scratch]\nquick: *s\nnone:\n";
  const { place } = await readYaml(text, "f");
  assertEquals(place(["smoke", "model", "width"]), "f:4:14");
  assertEquals(place(["smoke", "model", "width"], true), "f:4:5");
  assertEquals(place(["smoke", "arms", 1]), "f:5:16");
  assertEquals(place(["quick", "model", "width"], true), "f:4:5");
  assertEquals(place(["smoke", "model", "height"]), "f:4:5");
  assertEquals(place(["smoke", "model", "constructor"]), "f:4:5");
  assertEquals(place(["none"]), "f:7:1");
  assertEquals(place([]), "f:2:1");
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
    'c.yaml:2:3: arms.1: Invalid option: expected one of "meta"|"scratch". Found "mta". Did you mean "meta"?',
    "p.yaml:6:10: model.block: Invalid input: expected object, received number.",
    'p.yaml:5:3: Unknown key of "model" "widht". Did you mean "width"? Valid: width, block.',
    'p.yaml:3:1: Unknown key "modle". Did you mean "model"? Valid: steps, rate, arms, note, model.',
    '--set colour=red: Unknown key "colour". Valid: steps, rate, arms, note, model.',
  ];
  assertEquals(lines.toSorted(), expected.toSorted());
});

Deno.test("resolveConfig() holds integers to 32 bits unless the schema says more", async () => {
  const counts = z.strictObject({
    steps: z.int().nullable().default(1),
    sizes: z.array(z.int()).default([]),
    bytes: z.int().max(2 ** 40).default(1),
    rate: z.number().default(1),
  });
  const resolve = async (text: string) => await resolveConfig(counts, [await layerOf(text, "f")]);
  assertEquals(
    await resolve("{steps: 2147483647, sizes: [-2147483647], bytes: 8589934592, rate: 1e15}"),
    { steps: 2 ** 31 - 1, sizes: [1 - 2 ** 31], bytes: 2 ** 33, rate: 1e15 },
  );
  assertEquals(
    await usageErrorOf(() => resolve("steps: 9007199254740991\nsizes: [1, 2147483648]")),
    "f:1:8: steps: found 9007199254740991, expected an integer of at most 2147483647.\n" +
      "f:2:12: sizes.1: found 2147483648, expected an integer of at most 2147483647.",
  );
});

Deno.test("resolveConfig() shows 20 of 3,000 faults, and 200 chained merges, in a moment", async () => {
  const unknown = Array.from({ length: 3000 }, (_, i) => `stepz${i}: 1`).join("\n");
  const arms = `arms: [${"x, ".repeat(3000)}]`;
  let merges = "a0: &a0 {stepz0: 1}\n";
  for (let i = 1; i < 200; i++) merges += `a${i}: &a${i} {<<: *a${i - 1}, stepz${i}: 1}\n`;
  // Each of these did not end; the bound is one of patience, not of speed.
  const began = performance.now();
  for (
    const [text, faults] of [[unknown, 3000], [arms, 3000], [`${merges}<<: *a199`, 400]] as const
  ) {
    const layers = [await layerOf(text, "f")];
    const lines = (await usageErrorOf(() => resolveConfig(schema, layers))).split("\n");
    assertEquals([lines.length, lines[20]], [21, `... and ${faults - 20} more.`]);
    assertEquals(lines.slice(0, 20).every((line) => /^f:\d+:\d+: /.test(line)), true, lines[0]);
  }
  assertEquals(performance.now() - began < 30_000, true);
});

Deno.test("resolveConfig() shows names that hold escape codes harmlessly", async () => {
  const layers = [await layerOf('"\\e[2J\\u202e": 1\narms: ["\\e[31m"]', "f")];
  const message = await usageErrorOf(() => resolveConfig(schema, layers));
  assertEquals(message.includes('f:1:1: Unknown key "\\u001b[2J\\u202e".'), true, message);
  assertEquals(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u.test(message), false);
});

Deno.test("fileLayer() and setLayer() reject what is no mapping or assignment", async () => {
  assertEquals(
    await usageErrorOf(() => layerOf("- 1\n- 2", "f")),
    "f:1:1: expected a mapping of configuration keys, found [1,2].",
  );
  for (
    const text of [
      "steps",
      "=3",
      "a..b=3",
      "__proto__.x=1",
      "a.__proto__=1",
      `${"a.".repeat(50)}a=1`,
    ]
  ) {
    const message = await usageErrorOf(() => setLayer(text));
    const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
    assertEquals(message, `--set ${shown}: expected key=value, such as --set model.width=16.`);
  }
  const message = await usageErrorOf(() => setLayer("rate=.nan"));
  assertEquals(message, "--set rate=.nan:1:1: found .nan, expected a finite number.");
  assertEquals((await usageErrorOf(() => setLayer("a=[1"))).startsWith("--set a=[1:"), true);
});

Deno.test("readConfigFile() reads regular files of UTF-8 and moderate length only", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/c.yaml`;
    const cases: [Uint8Array, string][] = [
      [
        Uint8Array.of(97, 58, 32, 49, 10, 98, 58, 0xff),
        `${file}:2:3: found bytes that are not UTF-8.`,
      ],
      [new Uint8Array(2 ** 20 + 1), `${file}: it holds more than 1048576 bytes.`],
      [new Uint8Array(2 ** 20).fill(35), `${file}:1:1: found 1048576 characters`],
    ];
    for (const [bytes, message] of cases) {
      await Deno.writeFile(file, bytes);
      const found = await usageErrorOf(() => readConfigFile(file));
      assertEquals(found.includes(message), true, found);
    }
    await Deno.writeTextFile(file, "\ufeffa: 1");
    assertEquals((await readConfigFile(file)).value, { a: 1 });
    const others = Deno.build.os === "windows" ? [folder] : [folder, "/dev/zero"];
    for (const path of others) {
      assertEquals(
        await usageErrorOf(() => readConfigFile(path)),
        `Cannot read the configuration ${path}: it is no regular file.`,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readYaml() says which variables its parser must be allowed to look at", async () => {
  const module = JSON.stringify(import.meta.resolve("../../src/experiment/yaml_source.ts"));
  const source = `const { readYaml } = await import(${module});
    console.log(JSON.stringify((await readYaml("a: 1", "f")).value));`;
  const run = async (...flags: string[]) => {
    const args = ["run", "--no-prompt", "--no-check", "--allow-read", ...flags, "--ext=ts", "-"];
    const child = new Deno.Command(Deno.execPath(), {
      ...{ args, stdin: "piped", stdout: "piped", stderr: "piped" },
      cwd: new URL("../..", import.meta.url),
    }).spawn();
    await new Blob([source]).stream().pipeTo(child.stdin);
    const { stdout, stderr } = await child.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  };
  const [refused, allowed] = await Promise.all([run(), run("--allow-env=LOG_TOKENS,LOG_STREAM")]);
  assertEquals(refused.includes("Run with --allow-env=LOG_TOKENS,LOG_STREAM"), true, refused);
  assertEquals(allowed, '{"a":1}\n');
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
  const view = await viewSchema(schema);
  assertEquals(view.keysAt(["model", "block"]), ["dropout"]);
  for (const path of [["nothing"], ["constructor"], ["arms", 0]]) {
    assertEquals(view.keysAt(path), []);
  }
  const paths = [["steps"], ["rate"], ["arms", 0], ["model", "width"], ["model", "toString"]];
  assertEquals(paths.map(view.isUnlimitedInteger), [true, false, false, true, false]);
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
  assertEquals(closestName("a".repeat(200_000), valid), undefined);
  assertEquals(
    unknownName("preset", { found: "x", valid: [] }),
    'Unknown preset "x". There is none.',
  );
});
