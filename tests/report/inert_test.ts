/**
 * What a real HTML parser sees in a report whose texts and pictures were made to do harm.
 */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
// deno-lint-ignore no-import-prefix -- only these tests read HTML
import { type DefaultTreeAdapterTypes, parse } from "npm:parse5@8.0.0";
import { learningCurveSvg } from "../../src/report/chart.ts";
import { renderReport, type Report } from "../../src/report/html.ts";
import { pictureGrid } from "../../src/report/picture_grid.ts";
import { inertSvg } from "../../src/report/svg.ts";
import { integer, pick, uniform } from "../cases/random.ts";

/** Pictures that are none: each acts, loads, links, styles or breaks out in some reader. */
const ATTACKS = [
  ..."onload onclick onbegin ONLOAD onfocusin".split(" ").flatMap((name) => [
    `<svg ${name}=alert(1)></svg>`,
    `<svg/${name}=alert(1)></svg>`,
    `<svg ${name}="alert(1)"></svg>`,
    `<svg><rect\n${name}='alert(1)'/></svg>`,
    `<svg><g\x0c${name}="alert(1)"/></svg>`,
    `<svg class="a"${name}="alert(1)"></svg>`,
  ]),
  "<svg/onload=alert(1)>",
  "<svg\x0bonload=alert(1)>",
  "<svg><script>alert(1)</script></svg>",
  "<svg><script href='data:,alert(1)'/></svg>",
  "<svg><scRipt>alert(1)</scRipt></svg>",
  "<svg><svg:script>alert(1)</svg:script></svg>",
  "<svg><script >alert(1)</script\n></svg>",
  "<svg></svg><script>alert(1)</script>",
  "<svg></svg><meta http-equiv='refresh' content='0;url=//example.org'>",
  "<svg><meta http-equiv='refresh' content='0;url=//example.org'/></svg>",
  "<svg><form action='//example.org'><input name='a'/></form></svg>",
  "<svg></svg><form action=//example.org><input type=submit></form>",
  "<svg></svg><base href='//example.org/'>",
  "<svg><a href='javascript:alert(1)'><text>x</text></a></svg>",
  "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
  "<svg><g href='x'/></svg>",
  "<svg><use href='data:image/svg+xml,x#x'/></svg>",
  "<svg><use xlink:href='//example.org/x.svg#x'/></svg>",
  "<svg><image href='//example.org/x'/></svg>",
  "<svg><feImage href='//example.org/x'/></svg>",
  "<svg><img src=x onerror=alert(1)></svg>",
  "<svg><animate attributeName='href' values='javascript:alert(1)'/></svg>",
  "<svg><set attributeName='onload' to='alert(1)'/></svg>",
  "<svg><foreignObject><body onload='alert(1)'/></foreignObject></svg>",
  "<svg><foreignobject><iframe src='//example.org'/></foreignobject></svg>",
  "<svg><iframe srcdoc='x'/></svg>",
  "<svg><style>@import '//example.org/x.css';</style></svg>",
  "<svg><style>main{display:none}</style></svg>",
  "<svg style='position:fixed;inset:0'></svg>",
  "<svg><rect style='fill:url(//example.org)'/></svg>",
  "<svg><rect fill='url(//example.org/x)'/></svg>",
  "<svg><rect fill='url(\"//example.org/x\")'/></svg>",
  "<svg><rect fill='url(#a) url(//example.org)'/></svg>",
  "<svg><rect fill='\\75rl(//example.org/x)'/></svg>",
  "<svg><rect fill='u&#114;l(//example.org)'/></svg>",
  "<svg><rect fill='image-set(&quot;x&quot; 1x)'/></svg>",
  "<svg><rect fill='src(x)'/></svg>",
  "<svg><rect filter='url(#a)'/></svg>",
  "<svg><rect cursor='url(x)'/></svg>",
  "<svg><rect tabindex='1'/></svg>",
  "<svg><!-- x --></svg>",
  "<svg><!-- --!><script>alert(1)</script> --></svg>",
  "<svg><![CDATA[<script>alert(1)</script>]]></svg>",
  "<svg><?xml-stylesheet href='x'?></svg>",
  "<!DOCTYPE svg [<!ENTITY x 'y'>]><svg>&x;</svg>",
  "<?xml version='1.0'?><svg></svg>",
  "<svg>&x;</svg>",
  "<svg>&ltscript></svg>",
  "<svg>&#99999999;</svg>",
  "<svg>&#x110000;</svg>",
  "<svg><title><img src='x'/></title></svg>",
  "<svg><desc><script>alert(1)</script></desc></svg>",
  '<svg><title><style><a id="</style><img src=1 onerror=alert(1)>">',
  "<svg><p>text</p></svg>",
  "<svg><b/></svg>",
  "<svg><font color='red'/></svg>",
  "<svg><math><mtext></mtext></math></svg>",
  "<svg><noscript></noscript></svg>",
  "<svg><template></template></svg>",
  "<svg></p><script>alert(1)</script></svg>",
  "<svg><g></svg>",
  "<svg><g></g></g></svg>",
  "<svg>",
  "<svg",
  "</svg>",
  "<svg></svg></figure></main>",
  "<svg></svg>text",
  "<svg></svg><svg></svg>",
  "text<svg></svg>",
  "<p></p>",
  "<SVG></SVG>",
  "",
  "<svg class='a' class='b'></svg>",
  "<svg class=a></svg>",
  "<svg class></svg>",
  "<svg xmlns='http://www.w3.org/1999/xhtml'></svg>",
  "<svg xmlns:x='http://www.w3.org/1999/xhtml'><x:script/></svg>",
  "<svg><g xml:base='//example.org'/></svg>",
  "<svg><g __proto__='x'/></svg>",
  "<svg><g constructor='x'/></svg>",
  "<svg><constructor/></svg>",
];

/** Pictures, with what is odd and allowed. */
const PICTURES = [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d='M0,0L-1e-3,2Z'/></svg>`,
  `<svg>\n<g transform="translate(0.5,1) rotate(-90)"><text font-family="'A B', serif">a &amp; b &#x3C;</text></g></svg>`,
  `<svg><defs><clipPath id="c-1"><rect width="1" height="1"/></clipPath></defs><g clip-path="url(#c-1)"/></svg>`,
  `<svg role="img" aria-label="a > b &quot;javascript:alert(1)&quot; url(x)"><title>t</title></svg>`,
  `<svg><rect fill="rgba(1, 2, 3, 50%)" stroke="#fff" stroke-dasharray="1,2"/></svg>`,
];

/** What a page may hold of a picture, written here once more by hand. */
const HARMLESS = new Set(
  "svg g path line rect text title desc defs clipPath linearGradient stop tspan circle".split(" "),
);

const page: Report = {
  title: "t",
  summary: ["s"],
  facts: { a: 1 },
  arms: [{ name: "a", steps: 1, samples: 1, flops: 1, seconds: 1 }],
  charts: [],
  configuration: "c",
};

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

/** All elements of a page in order. */
function elementsOf(html: string): Element[] {
  const found: Element[] = [];
  const visit = (node: Node): void => {
    if ("tagName" in node) found.push(node);
    for (const child of "childNodes" in node ? node.childNodes : []) visit(child);
  };
  visit(parse(html));
  return found;
}

const nameOf = ({ tagName }: Element): string => tagName;
const inSvg = ({ namespaceURI }: Element): boolean => namespaceURI.endsWith("/svg");

/** Elements of the page outside of its pictures, and everything wrong inside of them. */
function lookAt(html: string): { readonly names: string[]; readonly faults: string[] } {
  const elements = elementsOf(html);
  const faults = elements.filter(inSvg).flatMap(({ tagName, attrs }) => [
    ...HARMLESS.has(tagName) ? [] : [tagName],
    ...attrs.map(({ name }) => name).filter((name) =>
      /^on|href|^style$|^src|action|:base/i.test(name)
    ),
    ...attrs.filter(({ name }) => !/^(aria-.*|xmlns|xlink)$/.test(name))
      .map(({ value }) => value).filter((value) => /\\|:|(?<!url\(#[\w-]*)url(?!\(#)/i.test(value)),
  ]);
  return { names: elements.filter((element) => !inSvg(element)).map(nameOf), faults };
}

const reportOf = (svg: string): string =>
  renderReport({ ...page, charts: [{ title: "c", caption: "d", svg }] });
const plain = lookAt(reportOf("<svg></svg>")).names;

Deno.test("renderReport() refuses every picture that is more than one", () => {
  for (const svg of ATTACKS) {
    const error = assertThrows(() => reportOf(svg), TypeError, 'chart "c"', svg);
    assertEquals(/\p{Cc}/u.test(error.message), false, svg);
  }
});

Deno.test("renderReport() shows pictures of Vega and others as an HTML parser reads them", async () => {
  const points = [1, 2, 3].map((x) => ({ x, y: 1 / x, low: 0, high: 1 }));
  const names = ["meta", "<img src=x onerror=alert(1)>", "\x1b[31m\u202e</svg><script>"];
  const drawn = await learningCurveSvg({
    series: names.map((name) => ({ name, points })),
    xLabel: "<b>x</b>",
    yLabel: "\x07y",
    description: `"><script>alert(1)</script>`,
    reference: { label: "&lt;", y: 0.5 },
    background: "white",
  });
  assertEquals(/\p{Cc}|\p{Bidi_Control}/u.test(drawn), false, "no XML");
  for (const svg of [...PICTURES, drawn]) {
    const html = reportOf(svg);
    const { names, faults } = lookAt(html);
    assertEquals([names, faults], [plain, []], svg);
    assertEquals(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u.test(html), false, svg);
    // What an HTML parser finds in the picture alone is what it finds in the page.
    const shape = (text: string) =>
      elementsOf(text).filter(inSvg).map(({ tagName, attrs }) => [tagName, attrs]);
    assertEquals(shape(html), shape(svg), svg);
    assertEquals(inertSvg(inertSvg(svg)), inertSvg(svg));
  }
});

Deno.test("2,000 pictures cut and crossed with attacks are refused or harmless", () => {
  let accepted = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const next = uniform(seed);
    let svg = pick(next, PICTURES);
    for (let edits = integer(next, 1, 2); edits > 0; edits--) {
      const at = integer(next, 0, svg.length);
      const attack = pick(next, [...ATTACKS, ...`<>"'=/& !-`, "\0", "\n"]);
      const [from, to] = [integer(next, 0, attack.length), integer(next, 0, attack.length)];
      const piece = seed % 2 === 0 ? attack.slice(Math.min(from, to), Math.max(from, to)) : attack;
      svg = svg.slice(0, at) + piece + svg.slice(at + integer(next, 0, 3));
    }
    let html: string;
    try {
      html = reportOf(svg);
    } catch (error) {
      assert(error instanceof TypeError, `seed ${seed}: ${svg}`);
      continue;
    }
    accepted++;
    const { names, faults } = lookAt(html);
    assertEquals([names, faults], [plain, []], `seed ${seed}: ${svg}`);
  }
  assert(accepted > 50 && accepted < 1000, `${accepted} accepted`);
});

Deno.test("renderReport() lets no text become an element, and shows control characters", () => {
  const texts = [
    ...ATTACKS,
    "</title><script>",
    "--></style><img>",
    "\x1b[2J",
    "\u202e",
    "]]>",
    "&lt;",
  ];
  const baseline = lookAt(renderReport({ ...reportWith("x") })).names;
  for (const text of texts) {
    const html = renderReport(reportWith(text));
    assertEquals(lookAt(html), { names: baseline, faults: [] }, text);
    assertEquals(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u.test(html), false, text);
  }
});

/** A report that says the same in every place. */
function reportWith(text: string): Report {
  return {
    title: text,
    summary: [text],
    notices: [{ kind: "info", text }],
    facts: { [`fact ${text}`]: text },
    arms: [{ name: text, description: text, steps: 1, samples: 1, flops: 1, seconds: 1 }],
    charts: [{ title: text, caption: text, svg: "<svg></svg>" }],
    configuration: text,
  };
}

Deno.test("inertSvg() reads a long picture once", () => {
  const long = `<svg>${"<g class='a'>".repeat(20_000)}${" ".repeat(100_000)}${
    "</g>".repeat(20_000)
  }</svg>`;
  assertEquals(inertSvg(long).length, long.length);
  assertThrows(() => inertSvg(`<svg ${"a ".repeat(100_000)}></svg>`), TypeError);
  assertThrows(() => inertSvg(`<svg${" ".repeat(100_000)}`), TypeError);
});

Deno.test("renderReport() puts images into the page as PNG alone, whatever their bytes and words say", () => {
  const { png } = pictureGrid({
    title: "t",
    rows: { a: { shape: [1, 1, 1, 1], data: [0] } },
    cell: 8,
  });
  const imageOf = (words: string, bytes: Uint8Array): string =>
    renderReport({ ...page, images: [{ title: words, caption: words, png: bytes }] });
  const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);
  for (
    const bytes of [...ATTACKS.map(text), new Uint8Array(), png.subarray(0, 20), png.subarray(1)]
  ) {
    const error = assertThrows(() => imageOf("c", bytes), TypeError, 'image "c"');
    assertStringIncludes(error.message, "no PNG file");
  }
  // Bytes after the header are the decoder's business: in the page they are letters and digits.
  const header = png.subarray(0, 33);
  for (
    const words of ['"><script>alert(1)</script>', "' onload=alert(1) x='", "\x1b[31m<img src=x>"]
  ) {
    for (const bytes of [png, new Uint8Array([...header, ...text(words)])]) {
      const html = imageOf(words, bytes);
      const elements = elementsOf(html);
      const images = elements.filter(({ tagName }) => tagName === "img");
      assertEquals(images.length, 1);
      const attributes = Object.fromEntries(
        images[0]!.attrs.map(({ name, value }) => [name, value]),
      );
      assertEquals(Object.keys(attributes).sort(), ["alt", "height", "src", "width"]);
      const [scheme, data] = attributes["src"]!.split(",");
      assertEquals(scheme, "data:image/png;base64");
      assertEquals(Uint8Array.from(atob(data!), (letter) => letter.charCodeAt(0)), bytes);
      assertEquals(elements.some(({ tagName }) => tagName === "script"), false);
      // The page may show pictures that it brings along, and fetch nothing.
      const policy = elements.flatMap(({ attrs }) => attrs)
        .find(({ value }) => value.startsWith("default-src"))!.value;
      assertEquals(policy.split("; ").slice(0, 2), ["default-src 'none'", "img-src data:"]);
    }
  }
});
