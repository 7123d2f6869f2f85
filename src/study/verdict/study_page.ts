/**
 * The page of a study: the verdict first, then what it rests on.
 *
 * @module
 */
import { formatQuantity } from "../../report/quantity.ts";
import {
  type PageRow,
  type PageSection,
  renderPage,
  type ReportChart,
  type ReportImage,
} from "../../report/page.ts";
import { standardDeviation } from "../../report/mod.ts";
import { percent } from "../percent.ts";
import type { Provenance } from "./provenance.ts";
import { formatSeeds } from "../seed_list.ts";
import type { StoredUnit } from "../stored_unit.ts";
import {
  alignmentCurves,
  learningCurves,
  OTHER_AXES,
  pairedDifferences,
  survivalCurves,
} from "./study_charts.ts";
import type { TextTable } from "../text_table.ts";
import { meanCost } from "./verdict_cell.ts";
import { trialTable, type Tuning, tuningTable, tuningText } from "../tuning.ts";
import type { Family, Verdict } from "./verdict.ts";
import type { CellOutcome, DecidedCell } from "./verdict_rules.ts";
import {
  accuracyTable,
  checkTable,
  conclusionTable,
  openReasons,
  targetTable,
  timeTable,
} from "./verdict_rows.ts";
import { provenanceLines, stateText } from "./verdict_text.ts";

/** What a page is made of besides the verdict. */
export interface StudyPageOptions {
  /** Where plan and units are from. */
  readonly provenance: Provenance;
  /** All units. */
  readonly units: readonly StoredUnit[];
  /** Texts of configurations by name, such as the plan; shown as they are. */
  readonly configurations?: Readonly<Record<string, string>>;
  /** What tuning tried before. */
  readonly tuning?: Tuning;
  /** What pretext tasks show; none unless told. */
  readonly images?: readonly ReportImage[];
}

/**
 * Renders the page of a study.
 *
 * @param verdict The verdict.
 * @param options Commits, units, configurations.
 * @returns One HTML file that needs nothing else; the same study gives the same text.
 */
export async function studyPage(verdict: Verdict, options: StudyPageOptions): Promise<string> {
  const { plan, families, conclusions, checks, notices } = verdict;
  const { provenance, units } = options;
  const cells = families.flatMap((family) => family.cells);
  const sections: PageSection[] = [
    {
      kind: "text",
      label: "Summary",
      paragraphs: [
        ...(plan.question === "" ? [] : [plan.question]),
        stateText(verdict),
        ...provenanceLines(provenance),
      ],
    },
    { kind: "heading", text: "Verdict" },
    ...table(conclusionTable(conclusions), {
      caption:
        "Equal or better, and sooner: not worse in accuracy by the margin, and earlier at the " +
        "target, pretraining counted in. Both tests must hold.",
    }),
    ...families.flatMap((family) => familySections(family, verdict)),
    ...table(checkTable(checks), {
      caption: "Arms that must give the same figures at every seed.",
      outcome: "state",
    }),
    ...(verdict.state === "empty"
      ? []
      : table(targetTable(verdict.targets), { caption: "Targets." })),
    ...missingSections(verdict),
    { kind: "heading", text: "Arms" },
    ...armSections(units),
    ...(await pictures(verdict, { cells, units })),
    ...(options.tuning ? tuningSections(options.tuning, verdict) : []),
    ...imageSections(options.images ?? []),
    { kind: "heading", text: "Configuration and commits" },
    ...configurationSections(units),
    ...Object.entries(options.configurations ?? {}).map(([name, text]): PageSection => ({
      kind: "fold",
      summary: name,
      sections: [{ kind: "code", text }],
    })),
  ];
  return renderPage({
    title: `Verdict on ${plan.study}`,
    notices: [...provenance.warnings, ...notices]
      .map((text) => ({ kind: "warning", text }) as const),
    sections,
  });
}

/** A table of texts as a section, with the words of outcomes coloured. */
function table(
  { heads, rows }: TextTable,
  { caption, outcome = "outcome" }: { readonly caption: string; readonly outcome?: string },
): PageSection[] {
  if (rows.length === 0) return [];
  // What is compared heads the row, the outcome comes next, where it is seen without scrolling.
  const place = (name: string) => heads.indexOf(name);
  const [candidate, control] = [place("candidate"), place("control")];
  const named = candidate >= 0 ? [candidate, control, place("regime")] : [0];
  const at = place(outcome);
  const order = [
    ...(at >= 0 ? [at] : []),
    ...heads.map((_, index) => index).filter((index) => index !== at && !named.includes(index)),
  ];
  return [{
    kind: "table",
    label: caption,
    caption,
    heads: [candidate >= 0 ? "compared" : heads[0]!, ...order.map((index) => heads[index]!)],
    rows: rows.map((row): PageRow => {
      const [head, other, regime] = named.map((index) => row[index]!);
      const tone = at >= 0 ? toneOf(row[at]!) : undefined;
      return {
        head: head!,
        ...(candidate >= 0 && { description: `against ${other}, regime ${regime}` }),
        cells: order.map((index) => row[index] ?? ""),
        ...(tone === undefined ? {} : { tone }),
      };
    }),
  }];
}

function toneOf(text: string): CellOutcome | undefined {
  const tones: Readonly<Record<string, CellOutcome>> = {
    ...{ win: "win", loss: "loss", tie: "tie", undecided: "undecided" },
    ...{ passed: "win", failed: "loss", open: "undecided" },
  };
  return tones[text];
}

function familySections({ name, regime, cells }: Family, { plan }: Verdict): PageSection[] {
  const tests = `family ${name} in ${regime}, ${cells.length} ${
    cells.length === 1 ? "test" : "tests"
  }`;
  const how = `${tests}, two-sided, corrected by Holm's method at ${plan.alpha}`;
  const reasons = openReasons(cells);
  return [
    ...table(accuracyTable(cells, plan), {
      caption: `Test accuracy, with mean cost of candidate and control: ${how}.`,
    }),
    ...table(timeTable(cells, plan), {
      caption: `Time to a target, pretraining counted in and in parentheses: ${how}.`,
    }),
    ...(reasons.length === 0 ? [] : [{
      kind: "fold",
      summary: `Why ${cells.filter((cell) => cell.outcome === "undecided").length} of family ` +
        `${name} in ${regime} are undecided`,
      sections: [{ kind: "list", items: reasons }],
    }] as const),
  ];
}

function missingSections({ missing }: Verdict): PageSection[] {
  return table({
    heads: ["regime", "arm", "missing", "seeds"],
    rows: missing.map(({ regime, arm, seeds, planned }) => [
      ...[regime, arm, `${seeds.length} of ${planned}`, formatSeeds(seeds)],
    ]),
  }, { caption: "Planned units that are not there." });
}

/** What every arm reached and cost. */
function armSections(units: readonly StoredUnit[]): PageSection[] {
  const groups = Map.groupBy(
    units.flatMap(({ unit }) => unit.outcomes.map((outcome) => ({ unit, outcome }))),
    ({ unit, outcome }) => `${unit.regime} ${unit.arm}/${outcome.protocol}`,
  );
  const rows = [...groups.values()].map((group): string[] => {
    const { unit, outcome } = group[0]!;
    const tests = group.map((item) => item.outcome.test.accuracy);
    const cost = meanCost(group.map((item) => item.outcome));
    const before = meanCost(group.map((item) => ({ ...item.outcome, curve: [] })));
    const mean = tests.reduce((sum, value) => sum + value, 0) / tests.length;
    return [
      ...[unit.regime, `${unit.arm}/${outcome.protocol}`, String(tests.length), percent(mean)],
      tests.length > 1 ? percent(standardDeviation(tests)) : "–",
      String(outcome.test.images),
      ...[cost.steps, cost.samples, cost.flops].map(formatQuantity),
      cost.seconds.toFixed(1),
      ...[before.steps, before.flops].map(formatQuantity),
    ];
  });
  return table({
    heads: [
      ...["regime", "arm", "seeds", "test accuracy", "SD over seeds", "test images"],
      ...["steps", "samples", "FLOP", "seconds", "pretraining steps", "pretraining FLOP"],
    ],
    rows,
  }, { caption: "Mean test accuracy and mean cost, pretraining counted in." });
}

async function pictures(
  { plan }: Verdict,
  { cells, units }: {
    readonly cells: readonly DecidedCell[];
    readonly units: readonly StoredUnit[];
  },
): Promise<PageSection[]> {
  const sections: PageSection[] = [];
  const show = (charts: readonly (ReportChart | undefined)[]): PageSection[] =>
    charts.filter((chart) => chart !== undefined).map((chart) => ({ kind: "chart", chart }));
  const fold = (summary: string, inner: readonly PageSection[]) => {
    if (inner.length > 0) sections.push({ kind: "fold", summary, sections: inner });
  };
  for (const regime of plan.regimes) {
    const here = cells.filter((cell) => cell.regime === regime);
    const curves = await learningCurves(plan, { units, regime, axis: "steps" });
    const differences = await pairedDifferences(here, { regime });
    if (!curves && !differences) continue;
    sections.push({ kind: "heading", text: `Regime ${regime}` }, ...show([curves, differences]));
    const others = await Promise.all(
      OTHER_AXES.map((axis) => learningCurves(plan, { units, regime, axis })),
    );
    fold(`Curves of ${regime} against samples, operations and seconds`, show(others));
    const survival = await Promise.all(here.map(survivalCurves));
    fold(`Times to targets in ${regime}, as survival curves`, show(survival));
    const arms = [
      ...new Set(units.filter(({ unit }) => unit.regime === regime).map(({ unit }) => unit.arm)),
    ];
    const alignment = await Promise.all(
      arms.map((arm) => alignmentCurves(units, { arm, regime })),
    );
    fold(`Alignment of gradients in ${regime}`, show(alignment.flat()));
  }
  return sections;
}

/** How the trials of every arm fell, and each of them. */
function tuningSections(tuning: Tuning, { plan }: Verdict): PageSection[] {
  const used = plan.seeds.includes(tuning.plan.seed);
  return [
    { kind: "heading", text: "Tuning" },
    {
      kind: "text",
      label: "Tuning",
      paragraphs: [
        tuningText(tuning),
        used
          ? `The study uses the seed ${tuning.plan.seed} too: its units are not new to the tuned values.`
          : `No unit of the plan has this seed.`,
      ],
    },
    ...table(tuningTable(tuning), { caption: "Validation accuracy of the trials." }),
    {
      kind: "fold",
      summary: "Every trial",
      sections: table(trialTable(tuning), { caption: "Trials, the best of an arm first." }),
    },
  ];
}

/** What pretext tasks show, folded: it is of the first unit of every arm. */
function imageSections(images: readonly ReportImage[]): PageSection[] {
  if (images.length === 0) return [];
  return [{ kind: "heading", text: "Pretext tasks" }, {
    kind: "fold",
    summary: `${images.length} pictures, of one unit of every arm`,
    sections: images.map((image) => ({ kind: "image", image })),
  }];
}

/** Hash of every arm's configuration, and the facts that its units share. */
function configurationSections(units: readonly StoredUnit[]): PageSection[] {
  const groups = Map.groupBy(units, ({ unit }) => `${unit.regime} ${unit.arm}`);
  const text = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);
  const rows = [...groups.values()].map((group) => {
    const { regime, arm } = group[0]!.unit;
    const seeds = formatSeeds(group.map(({ unit }) => unit.seed));
    const of = (pick: (stored: StoredUnit) => string) => [...new Set(group.map(pick))].join(", ");
    return [
      ...[regime, arm, seeds, of(({ unit }) => unit.configuration.slice(0, 12))],
      of(({ unit }) => text(unit.facts["commit"] ?? "unknown")),
      of(({ unit }) => text(unit.facts["adapter"] ?? unit.facts["engine"] ?? "unknown")),
    ];
  });
  const facts = units[0]?.unit.facts;
  return [
    ...table({
      heads: ["regime", "arm", "seeds", "configuration", "commit", "adapter"],
      rows,
    }, { caption: "Configuration (first digits of its hash), commit and adapter of the units." }),
    ...(facts === undefined ? [] : [{
      kind: "fold",
      summary: "Facts of the first unit",
      sections: [{ kind: "code", text: JSON.stringify(facts, null, 2) }],
    }] as const),
  ];
}
