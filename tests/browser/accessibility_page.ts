/// <reference lib="dom" />
/**
 * Runs axe on pages in frames as wide as a phone and as a desk's screen.
 *
 * @module
 */
import axe from "axe-core";

/** What is wrong with a page. */
export interface PageFault {
  /** Where: page and width. */
  readonly where: string;
  /** What. */
  readonly fault: string;
}

/**
 * Checks pages and posts what is wrong with them.
 *
 * @param pages HTML texts by name.
 */
export async function checkPages(pages: Readonly<Record<string, string>>): Promise<void> {
  const faults: PageFault[] = [];
  let rules = 0;
  for (const [name, html] of Object.entries(pages)) {
    for (const width of [390, 1200]) {
      await fetch("progress", { method: "POST", body: `${name} at ${width}` });
      const frame = document.createElement("iframe");
      frame.title = name;
      frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
      // Without its policy, which would keep axe out.
      frame.srcdoc = html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
      const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
      document.body.append(frame);
      await loaded;
      const inner = frame.contentWindow as Window & typeof globalThis & { axe: typeof axe };
      inner.eval(axe.source);
      const where = `${name} at ${width}`;
      const { scrollWidth, clientWidth } = inner.document.documentElement;
      if (scrollWidth > clientWidth) {
        faults.push({ where, fault: `it is ${scrollWidth} wide in a frame of ${clientWidth}` });
      }
      const result = await inner.axe.run(inner.document);
      rules += result.passes.length;
      for (const { id, help, nodes } of result.violations) {
        faults.push({ where, fault: `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)}` });
      }
      frame.remove();
    }
  }
  await fetch("report", { method: "POST", body: JSON.stringify({ rules, faults }) });
}
