/**
 * What a run on a GPU found, as markdown.
 *
 * @module
 */
import { digits, markdownTable } from "../table.ts";
import { exponentTable } from "./growth_text.ts";
import type { Outcome, Row, Stage, Summary } from "./job.ts";

const MIB = 2 ** 20;

/** Rows of the longest tables that are shown. */
const MOST = 80;

/** The whole text. */
export function summaryText({ context, outcomes }: Summary): string {
  const adapter = context["adapter"] as Row;
  const parts = [
    `# ${String(adapter["label"])}${adapter["software"] === true ? ", a CPU" : ""}`,
    `${text(context["cpu"])}; commit ${text(context["commit"])}; ${text(context["date"])}; ` +
    `Deno ${text(context["deno"])}; \`${text(context["command"])}\``,
    adapter["label"] === "none" ? `No WebGPU adapter: ${text(adapter["why"])}` : "",
    section("Jobs", jobTable(outcomes)),
    section("Against the reference", checks(outcomes)),
    section("Meta-gradients", peerTable(outcomes)),
    section("Random programs", fuzzTable(outcomes)),
    section("Steps", stepTable(outcomes, ["full", "profile", "variants", "costs"])),
    section("Kernels faster than the rule's", winnerTable(outcomes)),
    section("Where the time goes", profileTables(outcomes)),
    section("Kernels", kernelTable(outcomes)),
    section(
      "Growth",
      [stepTable(outcomes, ["scaling"]), exponentTable(outcomes)].filter((part) => part !== "")
        .join("\n\n"),
    ),
    section("Failures", failures(outcomes)),
  ];
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

function section(title: string, body: string): string {
  return body === "" ? "" : `## ${title}\n\n${body}`;
}

function rowsOf(outcomes: readonly Outcome[], ...stages: readonly Stage[]): Row[] {
  return outcomes.filter(({ stage }) => stages.includes(stage)).flatMap(({ rows }) => rows);
}

function text(value: unknown): string {
  return value === undefined ? "-" : String(value);
}

function number(value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? digits(value) : "-";
}

function small(value: unknown): string {
  return typeof value === "number" ? value.toExponential(1) : "-";
}

function percent(value: unknown): string {
  return typeof value === "number" ? `${(100 * value).toFixed(0)}%` : "-";
}

function bytes(value: unknown): string {
  return typeof value === "number" ? `${digits(value / MIB)} MiB` : "-";
}

/** A table, or nothing where there are no rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  return rows.length === 0 ? "" : markdownTable(head, rows.slice(0, MOST), left);
}

function jobTable(outcomes: readonly Outcome[]): string {
  return outcomes.length === 0 ? "" : markdownTable(
    ["stage", "job", "", "why", "s"],
    outcomes.filter(({ name }) => !/^fuzz (?!1$)/.test(name)).map((
      { stage, name, status, why, seconds },
    ) => [
      stage,
      name,
      status,
      (why ?? "").slice(0, 120),
      seconds.toFixed(1),
    ]),
    4,
  );
}

/** The lines of the doctor that are not in order, and the counts of the tests. */
function checks(outcomes: readonly Outcome[]): string {
  const said = outcomes.filter(({ name }) => name === "doctor").flatMap(({ said }) => said ?? []);
  const fine = said.filter((line) => /^ {2}ok /.test(line)).length;
  const rest = said.filter((line) => /^ {2}(WRONG|note) |^engine|in order|is wrong/.test(line));
  const doctor = said.length === 0
    ? []
    : [`doctor: ${fine} checks ok`, ...rest.map((line) => line.trim())];
  const tests = rowsOf(outcomes, "kernels-check").flatMap((row) => [
    `device tests: ${text(row["passed"])} passed, ${text(row["failed"])} failed, ` +
    `${text(row["ignored"])} ignored`,
    ...(row["failures"] as string[]).map((name) => `FAILED ${name}`),
  ]);
  return [...doctor, ...tests].map((line) => `- ${line}`).join("\n");
}

/** Implementations beside each other, the ratio to this library's own on the same workload. */
function peerTable(outcomes: readonly Outcome[]): string {
  const cold = rowsOf(outcomes, "peers-warm").map((row): Row => ({
    ...row,
    implementation: `${text(row["implementation"])} (cold, busy)`,
  }));
  const rows = [...rowsOf(outcomes, "workloads", "peers"), ...cold];
  const same = (a: Row, b: Row): boolean =>
    a["workload"] === b["workload"] && a["order"] === b["order"];
  const sorted = [...rows].sort((a, b) => keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0);
  return table(
    [
      "workload",
      "order",
      "implementation",
      "ms",
      "to ours",
      "first call s",
      "device memory",
      "error",
      "on",
    ],
    sorted.map((row) => {
      const ours = rows.find((other) =>
        other["implementation"] === "mutasesumele" && same(row, other)
      );
      const [own, its] = [ours?.["median"], row["median"]];
      const ratio = typeof own === "number" && typeof its === "number" ? its / own : undefined;
      const first = row["firstCall"];
      return [
        text(row["workload"]),
        text(row["order"]),
        text(row["implementation"]),
        number(its),
        ratio === undefined ? "-" : `${digits(ratio)} x`,
        typeof first === "number" ? digits(first / 1e3) : "-",
        bytes(row["deviceBytes"]),
        small(row["gradientError"]),
        text(row["reason"] ?? row["adapter"]).slice(0, 80),
      ];
    }),
    3,
  );
}

function keyOf(row: Row): string {
  return `${text(row["workload"])} ${text(row["order"])}`;
}

/** The last counts of each process, added up, and the first failures. */
function fuzzTable(outcomes: readonly Outcome[]): string {
  const jobs = outcomes.filter(({ stage }) => stage === "fuzz");
  const last = jobs.flatMap(({ rows }) => rows.filter((row) => "programs" in row).slice(-1));
  if (last.length === 0) return "";
  const sum = (of: (row: Row) => unknown): number =>
    last.reduce((total, row) => total + (Number(of(row)) || 0), 0);
  const names = ["right", "wrong", "refused", "law"];
  const adapters = [...new Set(last.flatMap((row) => Object.keys(row["byAdapter"] as Row)))].sort();
  const ofAdapter = (row: Row, adapter: string, name: string): unknown =>
    (row["byAdapter"] as Record<string, Row>)[adapter]?.[name];
  const counts = table(["compiled for", ...names], [
    ["all", ...names.map((name) => String(sum((row) => row[name])))],
    ...adapters.map((adapter) => [
      adapter,
      ...names.map((name) => String(sum((row) => ofAdapter(row, adapter, name)))),
    ]),
  ]);
  const failed = jobs.flatMap(({ rows }) => rows.filter((row) => "failure" in row));
  const lines = failed.slice(0, 10).map((row) =>
    `- ${text(row["failure"])}: seed ${text(row["seed"])} program ${text(row["program"])}` +
    `${row["special"] === true ? " --special" : ""}, ${text(row["mode"])}, ` +
    `${text(row["adapter"])}: ${text(row["message"]).slice(0, 160)}`
  );
  const programs = `${sum((row) => row["programs"])} programs in ${last.length} processes`;
  return [programs, counts, lines.join("\n")].filter((part) => part !== "").join("\n\n");
}

function sizeText(which: unknown): string {
  if (typeof which !== "object") return text(which);
  const { tasks, innerSteps, filters } = which as Row;
  return `${text(tasks)} tasks, ${text(innerSteps)} steps, ${text(filters)} filters`;
}

/** Size, activations, and traits that choose other kernels. */
function stepName(row: Row): string {
  const traits = row["traits"]
    ? `, ${JSON.stringify(row["traits"])}`
    : row["costs"]
    ? `, costs ${JSON.stringify(row["costs"])}`
    : Array.isArray(row["kernels"])
    ? `, by measured kernels (${winners(row["kernels"] as Row[])})`
    : "";
  return `${sizeText(row["which"])}, ${text(row["activations"])}${traits}`;
}

/** How many shapes were measured, and for how many another kernel than the rule's is faster. */
function winners(shapes: readonly Row[]): string {
  const won = shapes.filter((shape) => shape["winner"] !== undefined);
  return `${won.length} of ${shapes.length} shapes by others`;
}

/** The shapes for which another kernel than the rule's is faster. */
function winnerTable(outcomes: readonly Outcome[]): string {
  const shapes = rowsOf(outcomes, "variants").flatMap((row) => (row["kernels"] ?? []) as Row[]);
  return table(
    ["shape", "the rule's", "faster", "times as fast"],
    shapes.filter((shape) => shape["winner"] !== undefined).map((shape) => [
      text(shape["shape"]),
      text(shape["rule"]),
      text(shape["winner"]),
      number(shape["gain"]),
    ]),
    3,
  );
}

function stepTable(outcomes: readonly Outcome[], stages: readonly Stage[]): string {
  return table(
    [
      "step",
      "ms",
      "given out in",
      "on the device",
      "in one pass",
      "of the roofline",
      "GFLOP/s",
      "dispatches",
      "memory",
      "load s",
    ],
    rowsOf(outcomes, ...stages).map((row) => {
      const [load, error] = [row["load"], row["error"]];
      return [
        stepName(row),
        error === undefined ? number(row["milliseconds"]) : text(error).slice(0, 90),
        number(row["given"]),
        number(row["onDevice"]),
        number(row["inOnePass"]),
        percent(row["roofline"]),
        number(row["gflops"]),
        text(row["dispatches"]),
        bytes(row["deviceBytes"]),
        typeof load === "number" ? digits(load / 1e3) : "-",
      ];
    }),
  );
}

function profileTables(outcomes: readonly Outcome[]): string {
  return rowsOf(outcomes, "full", "profile", "variants").filter((row) => Array.isArray(row["top"]))
    .map(
      (row) => {
        const total = Number(row["onDevice"]);
        const kinds = (row["top"] as Row[]).slice(0, 12);
        return table(
          [
            stepName(row),
            "count",
            "ms",
            "share",
            "of the roofline",
          ],
          kinds.map((kind) => [
            text(kind["label"]).slice(0, 70),
            text(kind["count"]),
            number(kind["milliseconds"]),
            percent(Number(kind["milliseconds"]) / total),
            percent(Number(kind["least"]) / Number(kind["milliseconds"])),
          ]),
        );
      },
    ).join("\n\n");
}

function kernelTable(outcomes: readonly Outcome[]): string {
  const rows = rowsOf(outcomes, "kernels");
  const ceilings = rows.filter((row) => row["ceilings"] === true).map((row) =>
    `Ceilings: ${number(row["gflops"])} GFLOP/s, ${number(row["gigabytes"])} GB/s.`
  );
  const kernels = table(
    ["kernel", "ms", "GFLOP/s", "GB/s", "of the roofline"],
    rows.filter((row) => "name" in row).map((row) => [
      text(row["name"]),
      Number(row["milliseconds"]).toFixed(3),
      number(row["gflops"]),
      number(row["gigabytes"]),
      percent(row["roofline"]),
    ]),
  );
  return [...ceilings, kernels].filter((part) => part !== "").join("\n\n");
}

/** The last words of what failed; a peer that gave its reason has said it in its row. */
function failures(outcomes: readonly Outcome[]): string {
  const failed = outcomes.filter(({ status, rows }) =>
    (status === "failed" || status === "cut") && !/^not |^no /.test(text(rows.at(-1)?.["reason"]))
  );
  return failed.slice(0, 12).map(({ name, why, said = [] }) => {
    const last = said.slice(-12).map((line) => line.slice(0, 200)).join("\n");
    return `### ${name}: ${text(why)}\n\n\`\`\`\n${last}\n\`\`\``;
  }).join("\n\n");
}
