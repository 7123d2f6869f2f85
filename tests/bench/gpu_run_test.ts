import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Job, type Outcome, STAGES } from "../../bench/gpu/job.ts";
import { DEVICE_TESTS, jobsFor, type Setting } from "../../bench/gpu/jobs.ts";
import { findRows } from "../../bench/gpu/rows.ts";
import { runJob } from "../../bench/gpu/run_job.ts";
import { summaryText } from "../../bench/gpu/summary_text.ts";
import { IMPLEMENTATIONS, isPython, runPeer } from "../../bench/peers/run_peer.ts";

const ROOT = new URL("../../", import.meta.url);

const GPU: Setting = {
  software: false,
  cores: 16,
  pythons: ["python3"],
  device: "cuda",
  script: (name) => `bench/gpu/${name}`,
};

Deno.test("jobsFor() has a job for each stage, in their order, with names of their own", () => {
  for (const software of [false, true]) {
    const jobs = jobsFor({ ...GPU, software });
    assertEquals([...new Set(jobs.map(({ stage }) => stage))], [...STAGES]);
    assertEquals(new Set(jobs.map(({ name }) => name)).size, jobs.length);
    // A cut job still has time to say what it found.
    assert(jobs.every(({ limit }) => limit >= 20 && limit <= 400));
  }
});

Deno.test("jobsFor() names scripts and tests that exist, and implementations that are known", () => {
  for (const file of DEVICE_TESTS) assert(Deno.statSync(new URL(file, ROOT)).isFile, file);
  for (const { command } of jobsFor(GPU)) {
    for (const file of command.filter((word) => /\.(ts|sh)$/.test(word))) {
      assert(Deno.statSync(new URL(file, ROOT)).isFile, file);
    }
    const at = command.findIndex((word) => word.endsWith("peer_job.ts"));
    if (at >= 0) assert((IMPLEMENTATIONS as readonly string[]).includes(command[at + 1]!));
  }
});

Deno.test("jobsFor() runs only jobs together that follow each other, and times none of them", () => {
  const jobs = jobsFor(GPU);
  const together = jobs.map(({ together }, at) => together === undefined ? -1 : at)
    .filter((at) => at >= 0);
  assertEquals(together, together.map((_, k) => together[0]! + k));
  const stages = new Set(together.map((at) => jobs[at]!.stage));
  assertEquals(stages, new Set(["kernels-check", "fuzz", "peers-warm"] as const));
});

Deno.test("findRows() reads rows, also where the last was cut", () => {
  const output = 'noise\nrow {"a":1}\nrow {"a":2}\nrow {"a":';
  assertEquals(findRows(output, undefined), [{ a: 1 }, { a: 2 }]);
  assertEquals(findRows(output, "text"), []);
});

Deno.test("findRows() counts tests of one file and of several", () => {
  const [row] = findRows(
    [
      "./tests/a_test.ts => add() adds ... ok (12ms)",
      "./tests/a_test.ts => sub() subtracts ... FAILED (3ms)",
      "mul() multiplies ... ok (1ms)",
      "  a step ... ok (1ms)",
      "div() ... ignored (0ms)",
      "sub() subtracts => ./tests/a_test.ts:1:6",
    ].join("\n"),
    "tests",
  );
  assertEquals(row, {
    passed: 2,
    failed: 1,
    ignored: 1,
    failures: ["./tests/a_test.ts => sub() subtracts"],
    ignoredNames: ["div()"],
  });
});

Deno.test("findRows() reads the table of kernels, also where a clock is too coarse", () => {
  const rows = findRows(
    [
      "# NVIDIA H100 80GB HBM3: fastest of 20 runs; ceilings 51000.5 GFLOP/s, 2500.0 GB/s",
      "  input grad  4x5x8x8x32 -> 32 pad 1                 24.1 GFLOP/s    0.5 GB/s     0.978 ms  34% of roofline",
      "matmul        1 x [64x512] [512x1024]           Infinity GFLOP/s Infinity GB/s     0.000 ms Infinity% of roofline",
    ].join("\n"),
    "kernels",
  );
  assertEquals(rows, [
    { ceilings: true, gflops: 51000.5, gigabytes: 2500 },
    {
      name: "input grad 4x5x8x8x32 -> 32 pad 1",
      gflops: 24.1,
      gigabytes: 0.5,
      milliseconds: 0.978,
      roofline: 0.34,
    },
    {
      name: "matmul 1 x [64x512] [512x1024]",
      gflops: Infinity,
      gigabytes: Infinity,
      milliseconds: 0,
      roofline: Infinity,
    },
  ]);
});

async function outcomeOf(
  command: readonly string[],
  job: Partial<Job> = {},
): Promise<{ outcome: Outcome; log: string }> {
  const folder = await Deno.makeTempDir();
  let log = "";
  try {
    const outcome = await runJob({ stage: "fuzz", name: "a job", command, limit: 10, ...job }, {
      limit: 10,
      folder,
      say: (text) => {
        log += text;
        return Promise.resolve();
      },
    });
    return { outcome, log };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "runJob() says that a job failed, with its last words",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { outcome, log } = await outcomeOf(
      ["bash", "-c", `echo 'row {"a":1}'; echo oh no >&2; exit 7`],
    );
    const { seconds: _, ...rest } = outcome;
    assertEquals(rest, {
      stage: "fuzz",
      name: "a job",
      status: "failed",
      why: "exit code 7",
      rows: [{ a: 1 }],
      said: ['row {"a":1}', "oh no"],
    });
    assertStringIncludes(log, "oh no");
    const missing = await outcomeOf(["/nonexistent/program"]);
    assertEquals([missing.outcome.status, missing.outcome.why], ["failed", "exit code 127"]);
  },
});

Deno.test({
  name: "runJob() ends a job with all its processes and keeps what it had found",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const child = await Deno.makeTempFile();
    const { outcome } = await outcomeOf(
      // Its child holds its output open; neither heeds the polite signal.
      [
        "bash",
        "-c",
        `trap '' TERM; echo 'row {"a":1}'; bash -c "trap '' TERM; sleep 60 & wait" & ` +
        `echo $! >${child}; wait; sleep 60`,
      ],
      { limit: 3 },
    );
    assertEquals([outcome.status, outcome.why], ["cut", "took more than 3 s"]);
    assertEquals(outcome.rows, [{ a: 1 }]);
    assert(outcome.seconds < 30, `${outcome.seconds}`);
    const pid = (await Deno.readTextFile(child)).trim();
    const statusOf = () => Deno.readTextFile(`/proc/${pid}/status`).catch(() => "gone");
    const ended = (status: string) => status === "gone" || /^State:\s+Z/m.test(status);
    // A killed process may take a moment to go.
    for (let k = 0; k < 50 && !ended(await statusOf()); k++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert(ended(await statusOf()), await statusOf());
    await Deno.remove(child);
  },
});

Deno.test("runJob() takes a peer's reason for why it failed", async () => {
  const { outcome } = await outcomeOf(["bash", "-c", `echo 'row {"reason":"no CUDA"}'; exit 1`]);
  assertEquals(outcome.why, "no CUDA");
});

Deno.test("summaryText() shows ratios, errors, counts and every failure", () => {
  const peer = (implementation: string, median: number, error: number) => ({
    implementation,
    workload: "mid",
    order: "exact",
    median,
    firstCall: 1500,
    gradientError: error,
    deviceBytes: 2 ** 30,
    adapter: "NVIDIA H100 80GB HBM3",
  });
  const outcome = (stage: Outcome["stage"], rest: Partial<Outcome>): Outcome => ({
    stage,
    name: stage,
    status: "done",
    seconds: 1,
    rows: [],
    ...rest,
  });
  const counts = (wrong: number) => ({
    programs: 10,
    right: 10 - wrong,
    wrong,
    refused: 0,
    law: 0,
    byAdapter: { "as it is": { right: 10 - wrong, wrong } },
  });
  const text = summaryText({
    context: { adapter: { label: "NVIDIA H100 80GB HBM3", software: false }, cpu: "16 x EPYC" },
    outcomes: [
      outcome("workloads", { rows: [peer("mutasesumele", 20, 1e-3)] }),
      outcome("peers", { rows: [peer("torch-cuda", 50, 2e-3)] }),
      outcome("fuzz", { name: "fuzz 1", rows: [counts(0), counts(1)] }),
      outcome("fuzz", {
        name: "fuzz 2",
        rows: [counts(0), { failure: "wrong", seed: 1001, program: 7, message: "off by 1" }],
      }),
      outcome("kernels", { status: "cut", why: "took more than 60 s", said: ["so far"] }),
      outcome("scaling", { rows: [{ which: { tasks: 64 }, error: "too large a binding" }] }),
      outcome("scaling", {
        name: "scaling filters",
        rows: [8, 16, 32, 64].map((filters) => ({
          which: { filters },
          ...{ milliseconds: filters ** 2, gflop: filters ** 1.5, deviceBytes: 100 * filters },
        })),
      }),
      outcome("full", { status: "left out", why: "no time left" }),
    ],
  });
  assertStringIncludes(text, "# NVIDIA H100 80GB HBM3\n");
  const line = (word: string): string =>
    text.split("\n").find((line) => line.startsWith("|") && line.includes(word))!;
  assertStringIncludes(line("torch-cuda"), "2.50 x");
  assertStringIncludes(line("torch-cuda"), "2.0e-3");
  assertStringIncludes(line("as it is").replace(/ +/g, " "), "| as it is | 19 | 1 |");
  assertStringIncludes(text, "20 programs in 2 processes");
  assertStringIncludes(text, "wrong: seed 1001 program 7");
  assertStringIncludes(line("64 tasks"), "too large a binding");
  assertMatch(line("8, 16, 32, 64"), /filters .* 2\.00 \+- 0.00 .* 1\.50 .* 1\.00 .* 2 \|$/);
  assertStringIncludes(line("no time left"), "left out");
  assertStringIncludes(text, "### kernels: took more than 60 s");
  assertStringIncludes(text, "so far");
});

Deno.test({
  name: "runPeer() says why a machine cannot run a peer in Python",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const python = await Deno.makeTempFile({ suffix: ".sh" });
    // Has every module, and no device.
    await Deno.writeTextFile(
      python,
      `#!/bin/bash\n[ "$1" = -c ] && exit 0\necho noise >&2\necho "no CUDA device: $*" >&2\nexit 3\n`,
    );
    await Deno.chmod(python, 0o755);
    const options = { repeat: 1, limit: 20 };
    for (const implementation of IMPLEMENTATIONS.filter(isPython)) {
      const run = { implementation, workload: "small", order: "exact" } as const;
      const found = await runPeer(run, { ...options, pythons: ["/nonexistent", python] });
      assert("reason" in found);
      const device = implementation === "pytorch" ? "cpu" : "cuda";
      assert(found.reason.startsWith("no CUDA device: "), found.reason);
      assertStringIncludes(found.reason, `--device ${device}`);
      const none = await runPeer(run, { ...options, pythons: ["/nonexistent"] });
      assert("reason" in none && none.reason.startsWith("not installed: "));
    }
    await Deno.remove(python);
  },
});

Deno.test({
  name: "a run goes on where it was, and does not mix adapters",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const out = await Deno.makeTempDir();
    const list = async (...flags: string[]): Promise<string[]> => {
      const { success, stdout, stderr } = await new Deno.Command("bash", {
        args: ["bench/gpu/run.sh", out, "--stages", "doctor", "--list", ...flags],
        cwd: ROOT,
        env: { DENO: Deno.execPath() },
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
        line.split("\t").filter((_, k) => k === 1 || k === 3).join(" ")
      );
    };
    const write = (label: string): Promise<void> =>
      Deno.writeTextFile(
        `${out}/summary.json`,
        JSON.stringify({
          context: { adapter: { label } },
          outcomes: [{ name: "machine", status: "done" }, { name: "doctor", status: "failed" }],
        }),
      );
    await write("Some GPU (TM) 9000");
    assertEquals(await list(), ["machine false", "doctor false"]);
    const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
    assertEquals(names, ["log.txt", "summary-some-gpu-9000.json"]);
    const log = await Deno.readTextFile(`${out}/log.txt`);
    const label = log.match(/"label":"(.*?)"/)?.[1] ?? "none";
    await write(label);
    assertEquals(await list(), ["machine true", "doctor false"]);
    assertEquals(await list("--keep-failed"), ["machine true", "doctor true"]);
    await Deno.remove(out, { recursive: true });
  },
});
