/**
 * Random programs on the device against the reference, for so many seconds: `fuzz_job.ts SEED SECONDS`.
 * One row after every few programs with the counts so far, and one for each failure.
 *
 * @module
 */
import { campaign, type Outcome } from "../../tests/fuzz/campaign.ts";
import { failureText } from "../../tests/fuzz/report.ts";
import { numberChecks } from "../../src/doctor/number_check.ts";
import { openEngine } from "../../src/engine/open_engine.ts";
import { printRow } from "./rows.ts";

/** Programs before the first look at the clock; later as many as take about {@linkcode LOOK} seconds. */
const FIRST = 5;
const LOOK = 10;

/** Failures whose program is printed. */
const MOST_PRINTED = 5;

/**
 * Whether inputs may be NaN or infinite: only where the adapter's compiler keeps them everywhere. Others
 * fold `x == x` and `(x + 1) - x`, which nothing promises to keep; see `isNan()`.
 */
async function keepsNonFinite(): Promise<boolean> {
  const engine = await openEngine("webgpu");
  const checks = await numberChecks(engine);
  engine.close();
  return checks.every(({ name, kept }) => kept || !name.startsWith("NaN"));
}

const [seed, seconds] = Deno.args.map(Number) as [number, number];
const specials = await keepsNonFinite();
const started = performance.now();
const spent = (): number => (performance.now() - started) / 1000;
const kinds: Record<string, number> = { right: 0, wrong: 0, refused: 0, law: 0 };
const byAdapter: Record<string, Record<string, number>> = {};
let programs = 0;
let failed = 0;
let worst = 0;

function count({ setting, verdict }: Outcome): void {
  kinds[verdict.kind] = (kinds[verdict.kind] ?? 0) + 1;
  const own = byAdapter[setting.adapter] ??= {};
  own[verdict.kind] = (own[verdict.kind] ?? 0) + 1;
  if (verdict.kind === "right") worst = Math.max(worst, verdict.ratio);
}

for (let turn = 0; spent() < seconds; turn++) {
  const special = specials && turn % 4 === 3;
  const pace = spent() / programs;
  const chunk = programs === 0
    ? FIRST
    : Math.max(1, Math.round(Math.min(LOOK, seconds - spent()) / pace));
  const { outcomes, failures } = await campaign({
    seed,
    first: programs,
    programs: chunk,
    engines: ["webgpu"],
    special,
    minimise: false,
  });
  outcomes.forEach(count);
  programs += chunk;
  for (const failure of failures) {
    const { kind, message } = failure.verdict;
    printRow({
      failure: kind,
      seed,
      program: failure.setting.key[1],
      special,
      mode: failure.setting.mode,
      adapter: failure.setting.adapter,
      message: message.slice(0, 300),
      ...(failed++ < MOST_PRINTED ? { text: failureText(failure) } : {}),
    });
  }
  printRow({ programs, ...kinds, specials, worst, byAdapter, seconds: spent() });
}
Deno.exit(0);
