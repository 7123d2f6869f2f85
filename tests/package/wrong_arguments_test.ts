/** A caller without types: whatever is wrong with an argument, the function itself says so. */
import { assert, assertEquals } from "@std/assert";
import { drawn } from "../again.ts";
import { isOurs, Prober } from "./wrong_arguments.ts";

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
  /^(?!load|image|new )\w*(Dataset|Images?|Statistics|Classes|Class|Indices|Channels|Of)\(0\.more\)/,
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

/** The examples in the sources of an entry, by their files. */
async function examplesOf(entry: string): Promise<{ file: string; code: string }[]> {
  const module = new URL(entries[`./${entry}`]!, root);
  const isWhole = module.pathname.endsWith("/mod.ts");
  const files = isWhole ? await filesOf(new URL(".", module)) : [module];
  const examples = [];
  for (const file of files) {
    for (const [, block] of (await Deno.readTextFile(file)).matchAll(/```ts\n([^]*?)```/g)) {
      const code = block!.replaceAll(/^ *\* ?/gm, "");
      const from = [...code.matchAll(/from "@mutasesumele\/toolkit\/?([^"]*)"/g)];
      const others = from.filter(([, name]) => name !== "" && name !== "run" && name !== entry);
      if (from.length > 0 && others.length === 0 && !long.test(file.pathname)) {
        examples.push({ file: file.pathname, code });
      }
    }
  }
  return examples;
}

/** All sources in a folder and those below. */
async function filesOf(folder: URL): Promise<URL[]> {
  const files: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) files.push(...await filesOf(new URL(`${name}/`, folder)));
    else if (name.endsWith(".ts")) files.push(new URL(name, folder));
  }
  return files.sort((a, b) => a.href < b.href ? -1 : 1);
}

/** Runs an example with the functions of an entry, and of the light one, watched. */
async function runExample(code: string, modules: Readonly<Record<string, unknown>>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  const given = code.replaceAll(
    /import \{([^}]*)\} from "@mutasesumele\/toolkit\/?([^"]*)";/g,
    (_, names: string, entry: string) => {
      const values = names.split(",").map((name) => name.trim()).filter((name) =>
        name !== "" && !name.startsWith("type ")
      );
      return `const { ${values.join(", ")} } = globalThis.watched["${entry}"];`;
    },
  );
  Object.assign(globalThis, { watched: modules });
  try {
    await Deno.writeTextFile(path, `${given}\nexport {};\n`);
    await import(`file://${path}`);
  } finally {
    await Deno.remove(path);
  }
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
