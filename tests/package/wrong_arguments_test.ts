/** A caller without types: whatever is wrong with an argument, the function itself says so. */
import { assert, assertEquals } from "@std/assert";
import { drawn } from "../again.ts";
import { examplesIn, isOurs, Prober, runExample, sourcesIn } from "./wrong_arguments.ts";

const root = new URL("../../", import.meta.url);
const { exports: entries } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))) as {
  readonly exports: Readonly<Record<string, string>>;
};

/** Entries of which the examples are tried. */
const tested = [
  ...[
    "data",
    "report",
    "report/charts",
    "report/pictures",
    "run",
    "study",
    "study/images",
    "train",
  ],
  ...["experiment", "notebook", "tfjs"],
];

/** What looks wrong and is not. */
const fine: readonly RegExp[] = [
  // Data may come with more than is asked of it, and only what is used is looked at.
  /^(?!load|image|new )\w*(Dataset|Images?|Episodes|Statistics|Classes|Class|Indices|Channels|Of)\(0\.more\)/,
  /^(splitDataset|takePerClass|classIndices)\(0\.(?!labels|classNames)/,
  /^labelOf\(0\.(?!classNames)/,
  /^(formatMetricRecord|computeVerdict)\(0\.more\)/,
  /^timeToTarget\(0\.(?!before|curve)/,
  // A checkpoint may hold more than is restored.
  /^restoreTree\(2\.more\)/,
  // The example maps over an array, which gives more arguments.
  /^formatSeconds\([12] /,
  // What the runner of an experiment makes, and an experiment may have more than is asked of it.
  /^(loadData|runExperiment|runCommand|show|splitLines)\(0\.more\)/,
];

/** Examples that are long: of streams, which check as imageStream() does; of charts in a whole run (below); of a machine. */
const long = /\/(stream_images|arm_report|doctor)\.ts$/;

/** Folders whose examples take seconds; streams and files are those of `/data`. */
const slow = /profile|data/;

/** The examples in the sources of an entry, by their files. */
async function examplesOf(entry: string): Promise<{ file: string; code: string }[]> {
  const module = new URL(entries[`./${entry}`]!, root);
  const isWhole = module.pathname.endsWith("/mod.ts");
  const files = isWhole ? await sourcesIn(new URL(".", module)) : [module];
  const examples = [];
  for (const file of files) {
    for (const code of await examplesIn(file)) {
      const from = [...code.matchAll(/from "@mutasesumele\/toolkit\/?([^"]*)"/g)];
      const others = from.filter(([, name]) => name !== "" && name !== "run" && name !== entry);
      if (from.length > 0 && others.length === 0 && !long.test(file.pathname)) {
        examples.push({ file: file.pathname, code });
      }
    }
  }
  return examples;
}

for (const entry of drawn(tested)) {
  Deno.test({
    name: `/${entry} tells a caller without types of every wrong argument`,
    // The process of the tests holds what a mistaken call has opened.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      const prober = new Prober();
      const own = await import(new URL(entries[`./${entry}`]!, root).href);
      const light = await import(new URL("mod.ts", root).href);
      // What /data exports too is reached by the light entry's name.
      const shared = Object.fromEntries(Object.entries(light).filter(([name]) => name in own));
      const modules = {
        ...{ [entry]: prober.watch(own), "": { ...light, ...prober.watch(shared) } },
        ...(entry === "run" ? {} : { run: await import(new URL("src/run/mod.ts", root).href) }),
      };
      for (const { file, code } of await examplesOf(entry)) {
        try {
          await runExample(code, modules);
        } catch (error) {
          throw new Error(`The example of ${file} failed`, { cause: error });
        }
      }
      // What /train takes was made by others of its functions, and is looked at when it runs.
      const silent = entry === "train"
        ? []
        : prober.tried.filter(({ error }) => error === undefined);
      const raw = prober.tried.filter(({ error }) => error !== undefined && !isOurs(error));
      assertEquals(
        {
          silent: silent.map(({ call }) => call).filter((call) =>
            !fine.some((pattern) => pattern.test(call))
          ),
          raw: raw.map(({ call, error }) => `${call}: ${error}`),
        },
        { silent: [], raw: [] },
      );
      assert(prober.tried.length > 5, `${prober.tried.length} mistakes`);
    },
  });
}

Deno.test({
  name: "the light entry tells a caller without types of every wrong argument in words of its own",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    const prober = new Prober();
    const light: Record<string, unknown> = await import(new URL("mod.ts", root).href);
    const isClass = (one: unknown) => String(one).startsWith("class");
    const functions = Object.entries(light).filter(([, one]) =>
      typeof one === "function" && !isClass(one)
    );
    const watched = { ...light, ...prober.watch(Object.fromEntries(functions)) };
    const source = await Deno.readTextFile(new URL("mod.ts", root));
    const folders = [...source.matchAll(/"\.\/(src\/\w+\/)/g)].map(([, folder]) => folder!);
    let examples = 0;
    for (const folder of drawn([...new Set(folders)].filter((one) => !slow.test(one)))) {
      for (const file of await sourcesIn(new URL(folder, root))) {
        for (const code of await examplesIn(file)) {
          if (!code.includes('"@mutasesumele/toolkit"') || code.includes("toolkit/")) continue;
          await runExample(code, { "": watched });
          examples++;
        }
      }
    }
    const raw = prober.tried.filter(({ error }) => error !== undefined && !isOurs(error));
    assertEquals(raw.map(({ call, error }) => `${call}: ${error}`), []);
    assert(examples > 60 && prober.tried.length > 500, `${prober.tried.length} mistakes`);
  },
});

Deno.test("/doctor tells a caller without types of every wrong argument", async () => {
  const { doctor } = await import("../../src/doctor/doctor.ts");
  const wrong: readonly (readonly unknown[])[] = [
    ...[null, undefined, "text", Promise.resolve(console.log)].map((print) => [print]),
    ...[null, 3, true, { measure: "yes" }, { tfjs: 1 }, { tfj: true }].map((options) => [
      () => {
        throw new Error("it began");
      },
      options,
    ]),
  ];
  for (const args of wrong) {
    const error = await doctor(...args as Parameters<typeof doctor>).catch((error) => error);
    assert(isOurs(error) && error.message.startsWith("Cannot call doctor()"), `${error}`);
  }
});

Deno.test("writeArmReport() tells a caller without types of every wrong argument, and writes nothing", async () => {
  const { writeArmReport } = await import("../../src/experiment/mod.ts");
  const written: string[] = [];
  const config = await Deno.makeTempFile();
  const folder = {
    writeSummary: () => written.push("summary.json"),
    writeText: (name: string) => written.push(name),
    file: () => config,
  };
  const ledger = { steps: 1, samples: 1, flops: 1, seconds: 1 };
  const point = { step: 1, samples: 1, flops: 1, seconds: 1, validationAccuracy: 0.5 };
  const stage = { phase: "fine-tune", record: { ledger, curve: [point] } };
  const arm = { name: "scratch", description: "not pretrained", stages: [stage] };
  const report = { summary: ["One arm."], notices: [], facts: {}, arms: [arm], chance: 0.1 };
  const prober = new Prober();
  const write = prober.watch({ writeArmReport })["writeArmReport"] as typeof writeArmReport;
  await write({ folder, config: {} } as never, report, { title: "demo" });
  // What a configuration is, the report does not mind; nothing else wrote.
  const passed = ({ call }: { readonly call: string }) => /0\.(more|config)/.test(call);
  const summaries = written.filter((name) => name === "summary.json").length;
  assertEquals(summaries, prober.tried.filter(passed).length + 1);
  const wrong = [
    ...prober.tried.filter((one) => !passed(one)),
    ...await Promise.all(
      [{ ...arm, stages: [{}] }, { ...arm, name: 3 }, { ...arm, stages: stage }, arm.name, null]
        .map(async (one) => ({
          call: `arms: ${JSON.stringify(one)}`,
          error: await writeArmReport(
            { folder, config: {} } as never,
            { ...report, arms: [one] } as never,
            { title: "demo" },
          ).catch((error) => error),
        })),
    ),
  ];
  assertEquals(
    wrong.filter(({ error }) => !isOurs(error)).map(({ call, error }) => `${call}: ${error}`),
    [],
  );
  assert(wrong.length > 25, `${wrong.length}`);
  await Deno.remove(config);
});
