/**
 * The gate through which a picture enters a page: SVG is read by a small strict grammar, held to lists of what
 * may be in it, and written again, so that no other reader can see anything else in it.
 *
 * @module
 */
import { printable } from "../text/printable.ts";
import { escapeHtml } from "./escape_html.ts";

/** Shapes, text and what they are painted with; nothing that acts, loads, links or styles the page. */
const ELEMENTS = new Set(
  ("svg g path line rect circle ellipse polyline polygon text tspan title desc defs clipPath " +
    "linearGradient radialGradient stop").split(" "),
);
/** Elements that hold text and no elements: HTML would read elements in them as its own. */
const TEXT_ONLY = new Set(["title", "desc"]);
/** Attributes of geometry and paint, with values of numbers, words and colours. */
const VALUES = new Set(
  ("id x y x1 y1 x2 y2 cx cy r rx ry dx dy fx fy width height d points offset transform viewBox " +
    "preserveAspectRatio version fill fill-opacity fill-rule stroke stroke-width stroke-opacity " +
    "stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit opacity " +
    "display visibility pointer-events clip-path clip-rule clipPathUnits gradientUnits " +
    "gradientTransform spreadMethod stop-color stop-opacity text-anchor dominant-baseline " +
    "alignment-baseline baseline-shift letter-spacing font-family font-size font-style font-weight " +
    "role aria-hidden").split(" "),
);
/** Attributes that hold words for people or names of classes. */
const WORDS = new Set(["aria-label", "aria-roledescription", "class"]);
const NAMESPACES: Readonly<Record<string, string>> = {
  "xmlns": "http://www.w3.org/2000/svg",
  "xmlns:xlink": "http://www.w3.org/1999/xlink",
};
/** No backslash (CSS would read an escaped name), no colon (a scheme), no semicolon. */
const PLAIN_VALUE = /^[-\w\s.,#%()+'"]*$/;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

const TOKEN =
  /<([a-zA-Z]+)((?:\s+[\w:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|<\/([a-zA-Z]+)\s*>|[^<]+/y;
const ATTRIBUTE = /([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/**
 * Reads an SVG picture and writes it again with nothing in it but what is listed.
 *
 * @param svg One SVG element, in well-formed XML without comments, instructions and entities of its own.
 * @returns The same picture.
 * @throws {TypeError} If anything else is in it; the message says what.
 */
export function inertSvg(svg: string): string {
  const source = svg.trim();
  const open: string[] = [];
  let written = "";
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(source);
    if (!token) throw refusal(`found ${JSON.stringify(source.slice(at, at + 30))}`);
    const [text, name, attributes, slash, closed] = token;
    if (at > 0 && open.length === 0) throw refusal("found something after the picture");
    if (name !== undefined) {
      if (open.length === 0 && name !== "svg") throw refusal(`it begins with <${name}>`);
      written += `<${elementName(name, open)}${writeAttributes(attributes!)}${slash}>`;
      if (slash === "") open.push(name);
    } else if (closed !== undefined) {
      if (open.pop() !== closed) throw refusal(`found </${closed}> in the wrong place`);
      written += `</${closed}>`;
    } else if (open.length === 0) {
      throw refusal("it does not begin with <svg");
    } else {
      written += escapeHtml(decodeText(text));
    }
  }
  if (open.length > 0 || source === "") throw refusal("it does not end");
  return written;
}

function elementName(name: string, open: readonly string[]): string {
  if (!ELEMENTS.has(name)) throw refusal(`found the element <${name}>`);
  const parent = open.at(-1);
  if (parent !== undefined && TEXT_ONLY.has(parent)) {
    throw refusal(`found <${name}> in <${parent}>`);
  }
  return name;
}

function writeAttributes(attributes: string): string {
  const seen = new Set<string>();
  let written = "";
  for (const [, name, double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = decodeText(double ?? single ?? "");
    if (seen.has(name!)) throw refusal(`found the attribute ${name} twice`);
    seen.add(name!);
    if (!isAllowed(name!, value)) throw refusal(`found ${name}=${JSON.stringify(value)}`);
    written += ` ${name}="${escapeHtml(value)}"`;
  }
  return written;
}

function isAllowed(name: string, value: string): boolean {
  if (WORDS.has(name)) return true;
  if (Object.hasOwn(NAMESPACES, name)) return NAMESPACES[name] === value;
  // A reference to a gradient or a clip of the same picture is the only one there may be.
  return VALUES.has(name) && PLAIN_VALUE.test(value) &&
    !/url|src|image/i.test(value.replace(/url\(#[\w-]+\)/g, ""));
}

/** Text with the five entities of XML and numbers of characters resolved. */
function decodeText(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w*));?/gi, (found, decimal, hex, name) => {
    if (!found.endsWith(";")) throw refusal(`found ${JSON.stringify(found)}`);
    if (name !== undefined) {
      if (Object.hasOwn(ENTITIES, name)) return ENTITIES[name]!;
      throw refusal(`found the entity ${JSON.stringify(found)}`);
    }
    const point = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
    if (point <= 0x10ffff) return String.fromCodePoint(point);
    throw refusal(`found the character ${found}`);
  });
}

function refusal(what: string): TypeError {
  return new TypeError(
    `${
      printable(what)
    }, expected one SVG element of shapes and text without scripts, links, styles and ` +
      `animations`,
  );
}
