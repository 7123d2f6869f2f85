import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { renderReport, type Report } from "../../src/report/html.ts";
import { formatQuantity } from "../../src/report/quantity.ts";

const nasty = `<img src=x onerror="alert('&')">`;
const safe = "&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;";
const report: Report = {
  title: nasty,
  summary: [nasty, "Second."],
  notices: [{ kind: "warning", text: nasty }, { kind: "info", text: "Software adapter." }],
  facts: { [nasty]: nasty, seed: 3 },
  arms: [
    {
      name: nasty,
      description: nasty,
      steps: 12345,
      samples: 1_000_000,
      flops: 2.14e12,
      seconds: 61.26,
      validationAccuracy: 0.61239,
      testAccuracy: 0,
    },
    { name: "scratch", steps: 0, samples: 0, flops: 0, seconds: 0 },
  ],
  charts: [{ title: nasty, caption: nasty, svg: "<svg><path d='M0,0'/></svg>" }],
  configuration: `a: ${nasty}\n`,
};

Deno.test("renderReport() escapes every text", () => {
  const html = renderReport(report);
  assertEquals(html.includes("<img"), false);
  // Title twice, summary, notice, both sides of a fact, name and description, chart three times, configuration.
  assertEquals(html.split(safe).length - 1, 12);
});

Deno.test("renderReport() needs nothing from elsewhere and forbids it", () => {
  const html = renderReport(report);
  assertStringIncludes(html, "default-src 'none'");
  const quotedCode = html.replaceAll(safe, "");
  assertEquals(/<script|<link|src=|@import|url\(|https?:/i.test(quotedCode), false);
});

Deno.test("renderReport() closes every element it opens", () => {
  const html = renderReport(report).replace(/<style>.*?<\/style>/s, "");
  const open: string[] = [];
  for (const [, slash, name, end] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/gi)) {
    if (name === "meta" || end === "/") continue;
    if (slash === "") open.push(name!);
    else assertEquals(open.pop(), name);
  }
  assertEquals(open, []);
});

Deno.test("renderReport() shows the figures of each arm, and a dash for those not measured", () => {
  const html = renderReport(report);
  const rows = [...html.matchAll(/<tr[ >].*?<\/tr>/gs)].map(([row]) =>
    [...row.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map((cell) => cell[1])
  );
  assertEquals(rows[1], ["12,345", "1,000,000", "2.14 T", "61.3", "61.24%", "0.00%"]);
  assertEquals(rows[2], ["0", "0", "0", "0.0", "–", "–"]);
});

Deno.test("renderReport() fits both colour schemes and has captions", () => {
  const html = renderReport(report);
  assertStringIncludes(html, "prefers-color-scheme: dark");
  assertStringIncludes(html, "<figcaption>");
  assertStringIncludes(html, "<caption><span>");
  assertStringIncludes(html, '<html lang="en">');
  assertEquals(html, renderReport(report));
});

Deno.test("renderReport() refuses an SVG that could act or load", () => {
  const svgs = [
    "<svg><script>1</script></svg>",
    "<svg onload=alert(1)></svg>",
    '<svg><a xlink:href="https://example.org"/></svg>',
    "<svg><foreignObject/></svg>",
    '<svg><rect fill="url(https://example.org/x)"/></svg>',
    "<p></p>",
  ];
  for (const svg of svgs) {
    assertThrows(
      () => renderReport({ ...report, charts: [{ title: "c", caption: "", svg }] }),
      TypeError,
      'chart "c"',
    );
  }
});

Deno.test("formatQuantity() writes three digits and a prefix", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [999, "999"],
    [999.6, "1 k"],
    [1234, "1.23 k"],
    [1e6, "1 M"],
    [2.1e12, "2.1 T"],
    [3.456e27, "3460 Y"],
  ];
  for (const [value, text] of cases) assertEquals(formatQuantity(value), text);
});
