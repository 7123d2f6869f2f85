/** What an experiment may do, shown by code in its place that tries to do more. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CIFAR10_ARCHIVE } from "../../src/data/mod.ts";
import { PROFILES_VARIABLE } from "../../src/machine/mod.ts";
import { launch } from "../../src/experiment/launch.ts";
import {
  DATA_HOSTS,
  DATA_VARIABLES,
  ENVIRONMENT,
  flagValue,
  HUB_HOSTS,
  permissionFlags,
} from "../../src/experiment/permissions.ts";
import { shard } from "../data/hub_fixtures.ts";

const root = decodeURIComponent(new URL("../..", import.meta.url).pathname);

/** Tries to get out: prints, for every attempt, whether it succeeded. */
const probe = `
const [project, out, data, elsewhere, port] = JSON.parse(Deno.args[0]);
const granted = async (permission) => {
  const { state } = await Deno.permissions.query(permission);
  if (state !== "granted") throw new Error(state);
};
const attempts = {
  "read the experiments": () => Deno.readTextFile(project + "experiments/cifar-maml.yaml"),
  "read the commit": () => granted({ name: "read", path: project + ".git" }),
  "read the source": () => Deno.readTextFile(project + "deno.json"),
  "read /etc/passwd": () => Deno.readTextFile("/etc/passwd"),
  "read the home folder": () => Array.fromAsync(Deno.readDir("/root")),
  "read through ..": () => Deno.readTextFile(project + "experiments/../deno.json"),
  "read through a link": () => Deno.readTextFile(out + "/link"),
  "read the process": () => Deno.readTextFile("/proc/self/environ"),
  "read the data": () => Deno.readTextFile(data + "/image"),
  "read elsewhere": () => Deno.readTextFile(elsewhere + "/secret"),
  "list elsewhere": () => Array.fromAsync(Deno.readDir(elsewhere)),
  "import elsewhere": () => import(elsewhere + "/secret.ts"),
  "import a remote module": () => import("https://example.com/" + "nothing.ts"),
  "work elsewhere": () => new Promise((resolve, reject) => {
    const worker = new Worker("file://" + elsewhere + "/secret.ts", { type: "module" });
    worker.onmessage = resolve;
    worker.onerror = (event) => { event.preventDefault(); reject(event); };
  }),
  "read the run folder": () => Deno.readTextFile(out + "/image"),
  "write the run folder": () => Deno.writeTextFile(out + "/written", ""),
  "write the data": () => Deno.writeTextFile(data + "/written", ""),
  "write the experiments": () => Deno.writeTextFile(project + "experiments/cifar-maml.yaml", "", { append: true }),
  "write the source": () => Deno.writeTextFile(project + "deno.json", "", { append: true }),
  "write a schedule": () => granted({ name: "write", path: "/etc/cron.d/x" }),
  "write elsewhere": () => Deno.writeTextFile(elsewhere + "/written", ""),
  "write through ..": () => Deno.writeTextFile(out + "/../written", ""),
  "make a link": () => Deno.symlink("/etc/passwd", out + "/passwd"),
  "rename from elsewhere": () => Deno.rename(elsewhere + "/secret", out + "/secret"),
  "copy from elsewhere": () => Deno.copyFile(elsewhere + "/secret", out + "/secret"),
  "connect here": () => Deno.connect({ port: Number(port) }),
  "fetch from here": () => fetch("http://127.0.0.1:" + port),
  "listen": () => Deno.listen({ port: 0 }),
  "look up a name": () => Deno.resolveDns("example.org", "A"),
  "reach the data's host": () => granted({ name: "net", host: "www.cs.toronto.edu:443" }),
  "reach another port of it": () => granted({ name: "net", host: "www.cs.toronto.edu:80" }),
  "run a program": () => new Deno.Command("true").output(),
  "run itself": () => new Deno.Command(Deno.execPath(), { args: ["eval", "-A", "1"] }).output(),
  "load a library": () => Deno.dlopen("libc.so.6", {}),
  "ask for the home": () => Deno.env.get("HOME"),
  "ask for a secret": () => Deno.env.get("GITHUB_TOKEN"),
  "ask for everything": () => Deno.env.toObject(),
  "set a variable": () => Deno.env.set("LD_PRELOAD", "/"),
  "ask for the host's name": () => Deno.hostname(),
  "ask for the memory": () => Deno.systemMemoryInfo(),
  "ask the person": async () => {
    const { state } = await Deno.permissions.request({ name: "run" });
    if (state !== "granted") throw new Error(state);
  },
};
const done = [];
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    await attempt();
    done.push(name);
  } catch {}
}
console.log(JSON.stringify(done));
Deno.exit(0);
`;

/** Places of one test. */
interface Places {
  readonly folder: string;
  readonly out: string;
  readonly data: string;
}

async function inFolder(body: (places: Places) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const [out, data, elsewhere] = ["out", "data", "elsewhere"].map((name) => `${folder}/${name}`);
    for (const place of [out!, data!, elsewhere!]) await Deno.mkdir(place);
    for (const place of [out!, data!]) await Deno.writeTextFile(`${place}/image`, "");
    await Deno.writeTextFile(`${elsewhere}/secret`, "secret");
    await Deno.writeTextFile(`${elsewhere}/secret.ts`, "globalThis.postMessage?.(1);");
    await Deno.symlink(`${elsewhere}/secret`, `${out}/link`);
    await Deno.writeTextFile(`${folder}/probe.ts`, probe);
    await body({ folder, out: out!, data: data! });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the probe with these flags of `deno run`; gives what it could do. */
async function tried(places: Places, flags: readonly string[]): Promise<string[]> {
  const { folder, out, data } = places;
  const before = await Deno.readTextFile(`${root}experiments/cifar-maml.yaml`);
  const server = Deno.serve({ port: 0, onListen: () => {} }, () => new Response());
  try {
    const port = server.addr.port;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-lock", "--config", `${root}deno.json`, ...flags, `${folder}/probe.ts`],
        JSON.stringify([root, out, data, `${folder}/elsewhere`, port]),
      ],
      cwd: root,
      stdin: "null",
      env: { GITHUB_TOKEN: "secret" },
    }).output();
    const text = new TextDecoder().decode(stdout).trim();
    if (!text.startsWith("[")) throw new Error(new TextDecoder().decode(stderr));
    assertEquals(await Deno.readTextFile(`${root}experiments/cifar-maml.yaml`), before);
    return (JSON.parse(text) as string[]).sort();
  } finally {
    await server.shutdown();
  }
}

const flagsFor = (args: readonly string[], dataDirectory?: string): string[] =>
  permissionFlags({ args, always: [`${root}experiments`], dataDirectory });

const always = ["ask for the home", "read the experiments"];
// A link that somebody else has put there is followed; an experiment cannot make one.
const own = ["read the run folder", "read through a link", "write the run folder"];

Deno.test("an experiment may read its data and write its run folder, and cannot get out", () =>
  inFolder(async (places) => {
    const { out, data } = places;
    const cases: [string[], string[]][] = [
      [["--out", out, "--data", data], [...always, ...own, "read the data"]],
      [["--out", out, "--data", "synthetic"], [...always, ...own]],
      [[`--out=${out}`], [
        ...[...always, ...own, "read the data", "write the data"],
        "reach the data's host",
      ]],
      [["--out", out, "--offline"], [...always, ...own, "read the data"]],
    ];
    for (const [args, allowed] of cases) {
      const done = await tried(places, flagsFor(args, data));
      assertEquals(done, allowed.sort(), args.join(" "));
    }
    // The probe can do all this: otherwise the table above would hold of anything.
    const all = await tried(places, ["-A"]);
    for (const name of ["read elsewhere", "write elsewhere", "run itself", "connect here"]) {
      assertStringIncludes(all.join(), name);
    }
  }));

Deno.test("the permission set of the project gives the same for the default folders", () =>
  inFolder(async (places) => {
    const inProject = { ...places, out: `${root}runs`, data: `${root}data` };
    const done = await tried(inProject, ["-P=experiment", "--no-prompt"]);
    const possible = [
      "read the run folder",
      "write the run folder",
      "read the data",
      "write the data",
    ];
    // The folders need not be there.
    assertEquals(
      done.filter((name) => !possible.includes(name)),
      ["ask for the home", "reach the data's host", "read the experiments"],
    );
  }));

Deno.test("permissionFlags() follows the flags, and a resumed run's record", () => {
  const of = (args: readonly string[], more: { readonly resumedData?: string } = {}) =>
    permissionFlags({ args, always: ["experiments"], dataDirectory: "/home/ada/data", ...more })
      .filter((flag) => /read|write|net/.test(flag));
  const net = `--allow-net=${DATA_HOSTS}`;
  assertEquals(of([]), [
    "--allow-read=experiments,runs,/home/ada/data",
    "--allow-write=runs,/home/ada/data",
    net,
  ]);
  assertEquals(of(["--config", "a.yaml", "--out=b", "--data", "c", "--kernels=k.json"]), [
    "--allow-read=experiments,b,c,a.yaml,k.json",
    "--allow-write=b",
  ]);
  assertEquals(of(["--resume", "runs/x/1"], { resumedData: "/images" }), [
    "--allow-read=experiments,runs/x/1,/images",
    "--allow-write=runs/x/1",
  ]);
  assertEquals(of(["--resume=runs/x/1"]).at(-1), net);
  assertEquals(of(["--folder", "a/b", "--data", "synthetic"]), [
    "--allow-read=experiments,a/b",
    "--allow-write=a/b",
  ]);
  // What was measured of the adapter is kept beside.
  const profiles = "/home/ada/data/adapters";
  assertEquals(
    permissionFlags({ args: ["--data=synthetic"], always: [], dataDirectory: undefined, profiles })
      .slice(1, 3),
    [`--allow-read=runs,${profiles}`, `--allow-write=runs,${profiles}`],
  );
  // A data set by name is looked for, and downloaded to, where all data are.
  assertEquals(of(["--data", "food101"]), [
    "--allow-read=experiments,runs,/home/ada/data",
    "--allow-write=runs,/home/ada/data",
    `--allow-net=${HUB_HOSTS}`,
  ]);
  assertEquals(of(["--data=cifar100-binary"]).at(-1), net);
  assertEquals(of(["--data=beans", "--offline"]), [
    "--allow-read=experiments,runs,/home/ada/data",
    "--allow-write=runs",
  ]);
  assertEquals(of(["--out=", "--data=synthetic"]), ["--allow-read=experiments"]);
  assertEquals(of(["--data=./beans"])[0], "--allow-read=experiments,runs,./beans");
  assertThrows(() => of(["--out", "a,b"]), RangeError, '"a,b": Deno\'s flags separate paths');
  assertEquals(flagValue(["--out", "a", "--out=b"], "out"), "b");
  assertEquals(flagValue(["--output", "a"], "out"), undefined);
});

Deno.test("the project's permission set names the same hosts and variables", async () => {
  const { permissions } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  // Workers are loaded from the source, with all that they import, and experiments may import the main entry.
  for (const part of ["./src", "./kernels", "./mod.ts"]) {
    assertEquals(permissions.experiment.read.includes(part), true, part);
  }
  assertEquals(permissions.experiment.net, [...DATA_HOSTS]);
  assertEquals(permissions.experiment.env, [...ENVIRONMENT]);
  assertEquals(permissions.launch.env, [...DATA_VARIABLES, PROFILES_VARIABLE]);
  assertEquals(`${new URL(CIFAR10_ARCHIVE.url).hostname}:443`, DATA_HOSTS[0]);
});

Deno.test("launch() hands on arguments, streams and exit codes", async () => {
  const folder = await Deno.makeTempDir();
  const elsewhere = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/program.ts`,
      `Deno.writeTextFileSync(Deno.args[1] + "/args", Deno.args.join());
       try { Deno.readTextFileSync("/etc/passwd"); } catch { Deno.exit(7); }`,
    );
    await Deno.mkdir(`${folder}/out`);
    const args = ["--out", `${folder}/out`, "--data", "synthetic"];
    assertEquals(await launch(`${folder}/program.ts`, args), 7);
    assertEquals(await Deno.readTextFile(`${folder}/out/args`), args.join());
    assertEquals(await launch(`${folder}/program.ts`, ["--out", "a,b"]), 2);
    // Of an open file Deno asks for the place that a link leads to; also of what was not there yet.
    await Deno.writeTextFile(
      `${folder}/program.ts`,
      `Deno.mkdirSync(Deno.args[1], { recursive: true });
       using file = Deno.openSync(Deno.args[1] + "/new", { write: true, create: true });
       file.statSync();
       try { Deno.writeTextFileSync(Deno.args[1] + "/../../passed", ""); } catch { Deno.exit(7); }`,
    );
    await Deno.symlink(elsewhere, `${folder}/link`);
    for (const out of ["link", "link/later/still"]) {
      const linked = ["--out", `${folder}/${out}`, "--data", "synthetic"];
      assertEquals(await launch(`${folder}/program.ts`, linked), 7, out);
      assert((await Deno.stat(`${folder}/${out}/new`)).isFile);
    }
  } finally {
    await Deno.remove(elsewhere, { recursive: true });
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("shards of images are decoded with what launch() permits", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of [["train", shard(0, 5)], ["test", shard(5, 3)]] as const) {
      await Deno.writeFile(`${folder}/${name}-00000-of-00001.parquet`, bytes);
    }
    const program = decodeURIComponent(new URL("count_images.ts", import.meta.url).pathname);
    assertEquals(await launch(program, ["--out", `${folder}/out`, "--data", folder]), 5);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Launches a program in a process of its own, and waits until it says something. */
async function launched(folder: string, program: string): Promise<Deno.ChildProcess> {
  await Deno.writeTextFile(`${folder}/program.ts`, program);
  const module = import.meta.resolve("../../src/experiment/launch.ts");
  await Deno.writeTextFile(
    `${folder}/_launch.ts`,
    `import { launch } from ${JSON.stringify(module)};
     Deno.exit(await launch("${folder}/program.ts", ["--out", "${folder}"]));`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${folder}/_launch.ts`],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return child;
}

Deno.test({
  name: "launch() hands on signals, and waits for the program to end by itself",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const child = await launched(
        folder,
        `Deno.addSignalListener("SIGTERM", () => setTimeout(() => {
           Deno.writeTextFileSync("${folder}/saved", "");
           Deno.exit(143);
         }, 100));
         console.log("ready");
         setInterval(() => {}, 1000);`,
      );
      child.kill("SIGTERM");
      assertEquals((await child.status).code, 143);
      assertEquals(await Deno.readTextFile(`${folder}/saved`), "");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "launch() ends a program that is busy and hears no signal, at the second one",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const child = await launched(
        folder,
        `Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
         console.log("ready");
         for (;;);`,
      );
      child.kill("SIGTERM");
      await new Promise((resolve) => setTimeout(resolve, 700));
      child.kill("SIGTERM");
      const start = performance.now();
      assertEquals((await child.status).code, 143);
      assert(performance.now() - start < 2000, "took longer than two seconds");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("an experiment that is launched may import the main entry of the package", async () => {
  const folder = await Deno.makeTempDir({ dir: root.slice(0, -1), prefix: ".launched-" });
  try {
    const file = (name: string) => JSON.stringify(`${root}${name}`);
    await Deno.writeTextFile(
      `${folder}/demo.ts`,
      `import { hostArray } from ${file("mod.ts")};
      import { defineExperiment } from ${file("src/experiment/mod.ts")};
      import { z } from "zod";
      export const experiment = defineExperiment({
        ...{ name: "demo", title: "Demo", summary: String(hostArray([1]).shape), schema: z.strictObject({}) },
        run: () => Promise.resolve(),
      });`,
    );
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { runExperimentFolder } from ${file("src/experiment/mod.ts")};
      const folder = new URL(".", import.meta.url);
      Deno.exit(await runExperimentFolder(folder, { load: (url) => import(url) }));`,
    );
    await Deno.writeTextFile(
      `${folder}/_launch.ts`,
      `import { launch } from ${file("src/experiment/launch.ts")};
      Deno.exit(await launch(${JSON.stringify(`${folder}/main.ts`)}, ["--list"]));`,
    );
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `${folder}/_launch.ts`],
      env: { NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, err);
    assertEquals(out, "demo\n    Demo. 1\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
