/**
 * From YAML text to values with places; loaded by `yaml_source.ts` when there is something to read.
 *
 * @module
 */
import { Composer, type Document, Lexer, LineCounter, type ParsedNode, Parser } from "yaml";
import { excerpt } from "../text/printable.ts";
import { UsageError } from "./usage_error.ts";
import type { ValuePath, YamlDocument } from "./yaml_source.ts";
import { MAX_DEPTH, type PlacedValue, readNode, YamlFault } from "./yaml_value.ts";

/** More text than any configuration has: what is longer is data, and took the wrong way here. */
const MAX_LENGTH = 2 ** 18;

/** Characters that YAML 1.2 does not allow in a document (production 1, `c-printable`). */
const NOT_YAML = /(?![\t\n\r\x85])\p{Cc}|\p{Cs}|[\ufffe\uffff]/u;

/**
 * Does what `readYaml` says.
 *
 * @param text The document.
 * @param file Name of the file, for messages.
 */
export function parseYaml(text: string, file: string): YamlDocument {
  const lineCounter = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lineCounter.linePos(Math.min(offset, text.length));
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  try {
    const document = compose(text, lineCounter);
    const root = readNode(document.contents);
    return { value: root.value, place: (path, key = false) => at(offsetOf(root, path, key)) };
  } catch (error) {
    if (error instanceof YamlFault) throw new UsageError(`${at(error.offset)}: ${error.message}`);
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Error(
      `Cannot read ${file}: the YAML parser asks for the environment variables LOG_TOKENS and LOG_STREAM. ` +
        `Run with --allow-env=LOG_TOKENS,LOG_STREAM.`,
      { cause: error },
    );
  }
}

/**
 * The syntax tree of the one document of a text. The parser's depth is watched while it reads, since its
 * next stage calls itself for every level.
 */
function compose(text: string, lineCounter: LineCounter): Document.Parsed {
  lineCounter.addNewLine(0);
  if (text.length > MAX_LENGTH) {
    throw new YamlFault(0, `found ${text.length} characters, expected at most ${MAX_LENGTH}.`);
  }
  const strange = text.search(NOT_YAML);
  if (strange >= 0) {
    for (let i = text.indexOf("\n"); i >= 0 && i < strange; i = text.indexOf("\n", i + 1)) {
      lineCounter.addNewLine(i + 1);
    }
    throw new YamlFault(strange, `found ${excerpt(text[strange]!)}, which YAML does not allow.`);
  }
  // Its own check of keys is quadratic, and its pretty errors split the text for each of them.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: "silent" });
  const parser = new Parser(lineCounter.addNewLine);
  const documents: Document.Parsed<ParsedNode>[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token));
    if (parser.stack.length > MAX_DEPTH) {
      throw new YamlFault(parser.offset, `nested more than ${MAX_DEPTH} levels deep.`);
    }
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end(true, text.length));
  const [document, second] = documents;
  const [fault] = [...document!.errors, ...document!.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (fault) {
    // What a tab does to the columns is told as a fault of something else.
    const line = text.lastIndexOf("\n", fault.pos[0] - 1) + 1;
    const spaces = text.slice(line).match(/^ *(?=\t)/)?.[0];
    if (spaces === undefined) throw new YamlFault(fault.pos[0], `${excerpt(fault.message, 200)}.`);
    throw new YamlFault(line + spaces.length, "found a tab in the indentation, expected spaces.");
  }
  if (document!.directives.yaml.explicit) {
    throw new YamlFault(0, "found a %YAML directive, expected none: this is read as YAML 1.2.");
  }
  if (second) throw new YamlFault(second.range[0], "found a second document, expected one.");
  return document!;
}

/** Where the deepest existing part of a path begins. */
function offsetOf(root: PlacedValue, path: ValuePath, key: boolean): number {
  let node = root;
  let { offset } = root;
  for (const [depth, segment] of path.entries()) {
    const entry = node.entries?.get(String(segment));
    if (!entry) break;
    const atKey = (key && depth === path.length - 1) || entry.node.value === null;
    offset = atKey ? entry.offset : entry.node.offset;
    node = entry.node;
  }
  return offset;
}
