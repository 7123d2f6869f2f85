/**
 * Answers the page of watched runs, and nobody else.
 *
 * @module
 */
import { printableLines } from "../text/printable.ts";
import { readMetricsChunk } from "./metrics_tail.ts";
import { readPageFile } from "./page_files.ts";
import { RunList } from "./run_list.ts";
import { readPicture } from "./run_reader.ts";
import { readRunText } from "./run_file.ts";

/** Nothing from elsewhere is loaded, run, framed or sent to. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A report is a page of its own: pictures in it, no scripts, no place to reach. */
const REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

/** Names of this machine; any port, since a tunnel may lead here from another one. */
const HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/**
 * Makes the handler of requests. It answers `GET` only, and only where the request names this machine: a
 * page of another site whose name leads here (DNS rebinding) is refused. What is asked for is looked up in
 * the list of runs; no path that comes in is opened.
 *
 * @param roots Folders of runs, of studies, or of both.
 */
export function watchHandler(roots: readonly string[]): (request: Request) => Promise<Response> {
  const list = new RunList(roots);
  return async (request) => {
    const refusal = refuse(request);
    if (refusal !== undefined) return refusal;
    const { pathname, searchParams } = new URL(request.url);
    try {
      switch (pathname) {
        case "/api/overview":
          return json(await list.overview());
        case "/api/run":
          return await ofRun(
            list,
            searchParams,
            async (folder, name) => json(await list.reader.detail(folder, name)),
          );
        case "/api/metrics":
          return await ofRun(
            list,
            searchParams,
            async (folder) => json(await readMetricsChunk(folder, searchParams.get("at") ?? "")),
          );
        case "/picture":
          return await ofRun(list, searchParams, async (folder) => {
            const of = (key: string): string => searchParams.get(key) ?? "";
            const place = {
              arm: of("arm"),
              phase: of("phase"),
              task: of("task"),
              step: of("step"),
            };
            const png = await readPicture(folder, place);
            return png === undefined ? notFound("picture") : respond(png, "image/png");
          });
        case "/report":
          return await ofRun(list, searchParams, async (folder) => {
            const html = await readRunText(folder, "report.html");
            if (html === undefined) return notFound("report");
            return respond(html, "text/html; charset=utf-8", { policy: REPORT_POLICY });
          });
      }
      const file = await readPageFile(pathname);
      return file === undefined ? notFound("page") : respond(file.text, file.type);
    } catch (error) {
      return plain(500, error instanceof Error ? error.message : String(error));
    }
  };
}

/** Why a request is not answered. */
function refuse(request: Request): Response | undefined {
  if (request.method !== "GET") {
    return plain(405, `Cannot ${request.method}: this server only shows runs. Use GET.`);
  }
  const host = request.headers.get("host") ?? "";
  if (!HOST.test(host)) {
    return plain(
      403,
      `Cannot answer a request for host "${host}": expected 127.0.0.1 or localhost. Open the address ` +
        `that deno task watch has printed; from another machine, by a tunnel of ssh -L.`,
    );
  }
  const site = request.headers.get("sec-fetch-site");
  const opened = request.headers.get("sec-fetch-mode") === "navigate";
  if (site === null || site === "same-origin" || site === "none" || opened) return undefined;
  return plain(403, "Cannot answer a page of another site.");
}

/** Answers for a run of the list. */
async function ofRun(
  list: RunList,
  parameters: URLSearchParams,
  answer: (folder: string, name: string) => Promise<Response>,
): Promise<Response> {
  const id = parameters.get("run") ?? "";
  const name = await list.nameOf(id);
  return name === undefined ? notFound("run") : await answer(id, name);
}

function json(value: unknown): Response {
  return respond(JSON.stringify(value), "application/json; charset=utf-8");
}

function notFound(what: string): Response {
  return plain(404, `There is no such ${what}.`);
}

function plain(status: number, text: string): Response {
  return respond(printableLines(text), "text/plain; charset=utf-8", { status });
}

function respond(
  body: BodyInit,
  type: string,
  { status = 200, policy = POLICY }: { readonly status?: number; readonly policy?: string } = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...HEADERS, "content-security-policy": policy, "content-type": type },
  });
}
