/**
 * How jobs tell what they found: lines of JSON after the word `row`, and the text of other programs.
 *
 * @module
 */
import type { Job, Row } from "./job.ts";

const MARK = "row ";

/** Prints a row. */
export function printRow(row: Row): void {
  console.log(MARK + JSON.stringify(row));
}

/**
 * Finds rows in the output of a job, also where it was ended in the middle of a line.
 *
 * @param output What it printed.
 * @param format See {@linkcode Job}.
 */
export function findRows(output: string, format: Job["format"]): Row[] {
  const lines = output.split("\n");
  switch (format) {
    case "text":
      return [];
    case "tests":
      return testRows(lines);
    case "kernels":
      return kernelRows(lines);
    case undefined:
      return lines.filter((line) => line.startsWith(MARK)).flatMap((line) => {
        try {
          return [JSON.parse(line.slice(MARK.length)) as Row];
        } catch {
          return []; // cut in the middle
        }
      });
  }
}

/** Counts of `deno test`, and the names of what failed. */
function testRows(lines: readonly string[]): Row[] {
  const found = new Map<string, string[]>([["ok", []], ["FAILED", []], ["ignored", []]]);
  for (const line of lines) {
    const match = line.match(/^(.*?) \.\.\. (ok|FAILED|ignored)\b/);
    if (match && !line.startsWith(" ")) found.get(match[2]!)!.push(match[1]!);
  }
  const names = (kind: string): string[] => found.get(kind)!;
  return [{
    passed: names("ok").length,
    failed: names("FAILED").length,
    ignored: names("ignored").length,
    failures: names("FAILED"),
    ignoredNames: names("ignored"),
  }];
}

/** The lines of kernels_bench.ts, and its ceilings. */
function kernelRows(lines: readonly string[]): Row[] {
  return lines.flatMap((line): Row[] => {
    const ceilings = line.match(/ceilings ([\d.]+) GFLOP\/s, ([\d.]+) GB\/s$/);
    if (ceilings) return [{ ceilings: true, gflops: +ceilings[1]!, gigabytes: +ceilings[2]! }];
    const match = line.match(
      /^(.*?)\s+([\d.]+|Infinity|NaN) GFLOP\/s\s+([\d.]+|Infinity|NaN) GB\/s\s+([\d.]+) ms\s+(\S+)% of roofline$/,
    );
    if (!match) return [];
    const [, name, gflops, gigabytes, milliseconds, percent] = match;
    return [{
      name: name!.replace(/\s+/g, " ").trim(),
      gflops: Number(gflops),
      gigabytes: Number(gigabytes),
      milliseconds: Number(milliseconds),
      roofline: Number(percent) / 100,
    }];
  });
}
