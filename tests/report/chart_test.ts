import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type ChartOptions, learningCurveSvg } from "../../src/report/chart.ts";

const points = [0, 1, 2, 3].map((i) => ({ x: i * 1e9, y: i / 4, low: i / 5, high: i / 3 }));
const chart: ChartOptions = {
  series: [{ name: "meta", points }, { name: "scratch <b>", points: points.slice(1) }],
  xLabel: "FLOP",
  yLabel: "validation accuracy",
  description: 'Accuracy "rises" & <ends>.',
  percent: true,
  reference: { label: "chance", y: 0.1 },
};

/** Draws in a fresh process without any permission. */
async function drawElsewhere(): Promise<string> {
  const source = `
    import { learningCurveSvg } from ${
    JSON.stringify(import.meta.resolve("../../src/report/chart.ts"))
  };
    console.log(await learningCurveSvg(${JSON.stringify(chart)}));
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--ext=ts", "-"],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await new Blob([source]).stream().pipeTo(child.stdin);
  const { stdout, success, stderr } = await child.output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trimEnd();
}

Deno.test("learningCurveSvg() gives the same bytes again and in another process", async () => {
  const first = await learningCurveSvg(chart);
  await learningCurveSvg({ ...chart, logX: false, series: [chart.series[1]!] });
  assertEquals(await learningCurveSvg(chart), first);
  assertEquals(await drawElsewhere(), first);
});

Deno.test("learningCurveSvg() draws lines, bands, points, legend, reference and axes", async () => {
  const svg = await learningCurveSvg(chart);
  assert(svg.startsWith("<svg ") && svg.endsWith("</svg>"));
  const parts = [
    ["mark-area", 2],
    ["mark-line", 2],
    [">meta<", 1],
    [">scratch &lt;b&gt;<", 1],
    [">chance<", 1],
    [">FLOP<", 1],
    [">validation accuracy<", 1],
    [">0<", 1],
    [">1G<", 1],
    [">40%<", 1],
  ] as const;
  for (const [part, count] of parts) {
    assert(svg.split(part).length > count, `${part} missing in ${svg}`);
  }
  assertStringIncludes(svg, 'aria-label="Accuracy &quot;rises&quot; &amp; &lt;ends>."');
  assertEquals(/<script|href=|url\(|<style/.test(svg), false);
});

Deno.test("learningCurveSvg() sorts points and ignores the order of their keys", async () => {
  const shuffled = [3, 0, 2, 1].map((i) => points[i]!)
    .map(({ x, y, low, high }) => ({ high, y, low, x }));
  const series = [{ name: "meta", points: shuffled }, chart.series[1]!];
  assertEquals(await learningCurveSvg({ ...chart, series }), await learningCurveSvg(chart));
});

Deno.test("learningCurveSvg() has a page colour and a logarithmic axis on request", async () => {
  const plain = await learningCurveSvg(chart);
  assertEquals(plain.includes('fill="white"'), false);
  assertStringIncludes(await learningCurveSvg({ ...chart, background: "white" }), 'fill="white"');
  const series = [{ name: "meta", points: points.slice(1) }];
  const log = await learningCurveSvg({ ...chart, series, logX: true });
  assertEquals(log === await learningCurveSvg({ ...chart, series }), false);
});

Deno.test("learningCurveSvg() rejects what cannot be drawn, with the name of the series", async () => {
  const draw = (x: number, y: number, logX = false) =>
    learningCurveSvg({ ...chart, logX, series: [{ name: "bad", points: [{ x, y }] }] });
  await assertRejects(() => draw(1, NaN), RangeError, 'series "bad": found y = NaN');
  await assertRejects(() => draw(Infinity, 1), RangeError, "x = Infinity");
  await assertRejects(() => draw(0, 1, true), RangeError, "expected x > 0");
  await assertRejects(() => learningCurveSvg({ ...chart, series: [] }), RangeError, "no point");
});

Deno.test("learningCurveSvg() draws dots for few points only", async () => {
  const dots = async (count: number) => {
    const many = Array.from({ length: count }, (_, x) => ({ x, y: x }));
    const svg = await learningCurveSvg({ ...chart, series: [{ name: "meta", points: many }] });
    return svg.match(/<g class="mark-symbol role-mark[^>]*>(.*?)<\/g>/)?.[1]?.split("<path")
      .length ?? 1;
  };
  assertEquals([await dots(50), await dots(51)], [51, 1]);
});

Deno.test("learningCurveSvg() uses colours with 3:1 contrast on white and on near-black", async () => {
  const series = Array.from({ length: 7 }, (_, i) => ({ name: `arm ${i}`, points }));
  const svg = await learningCurveSvg({ ...chart, series });
  const lines = svg.matchAll(/<path d="[^"]*" stroke="(#[0-9a-f]{6})"/g);
  const palette = [...new Set([...lines].map((line) => line[1]!))];
  assertEquals(palette.length, 7);
  for (const color of palette) {
    for (const page of ["#ffffff", "#15181d"]) {
      const [dark, light] = [luminance(color), luminance(page)].sort((a, b) => a - b);
      assert((light! + 0.05) / (dark! + 0.05) >= 3, `${color} on ${page}`);
    }
  }
});

/** Relative luminance of WCAG 2.2. */
function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

Deno.test("learningCurveSvg() draws points alone, and tells more lines apart than it has colours", async () => {
  const alone = await learningCurveSvg({ ...chart, pointsOnly: true });
  assertEquals(alone.includes("mark-line"), false);
  assertEquals(alone.includes("mark-symbol"), true);
  const many = await learningCurveSvg({
    ...chart,
    series: Array.from({ length: 20 }, (_, i) => ({ name: `arm ${i}`, points: [points[0]!] })),
  });
  const looks = [...many.matchAll(/stroke="(#\w+)" stroke-width="2" stroke-dasharray="([\d,]+)"/g)]
    .map(([, color, dash]) => `${color} ${dash}`);
  assertEquals(looks.length >= 20, true, String(looks.length));
  assertEquals(new Set(looks).size, 20);
  assertStringIncludes(many, ">arm 19<");
  assertEquals(/<g [^>]*role="/.test(many), false);
});
