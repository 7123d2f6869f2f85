/**
 * Headless Chromium on its own software adapter (SwiftShader): a second implementation of WebGPU,
 * whose compiler (Tint) is not the one behind Deno (naga).
 *
 * @module
 */

/** Where Chromium may be called; `CHROMIUM` in the environment goes first. */
const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** WebGPU without a GPU. */
export const WEBGPU: readonly string[] = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];

/** Without a screen, without the sandboxes that containers lack, and without the network. */
export const HEADLESS: readonly string[] = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu-sandbox",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-domain-reliability",
  "--disable-extensions",
  "--disable-sync",
  "--metrics-recording-only",
  "--no-pings",
  "--proxy-server=127.0.0.1:9",
  "--proxy-bypass-list=127.0.0.1",
];

/** A page of the second browser could not be run. */
export class BrowserError extends Error {
  /** The name of the class. */
  override readonly name = "BrowserError";
}

/**
 * Finds Chromium.
 *
 * @returns Its version and the command that starts it, or `undefined` if there is none.
 */
export async function findChromium(): Promise<
  { readonly command: string; readonly version: string } | undefined
> {
  const named = Deno.env.get("CHROMIUM");
  for (const command of named === undefined ? NAMES : [named]) {
    try {
      const { success, stdout } = await new Deno.Command(command, {
        args: ["--version"],
        stderr: "null",
      }).output();
      if (success) return { command, version: new TextDecoder().decode(stdout).trim() };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/**
 * Bundles a script for the browser, runs it there in an empty page and returns what it posts to
 * `report`. What it posts to `progress` before is named if it stays silent then.
 *
 * @param command The command that starts Chromium.
 * @param page The script.
 * @param options After how many milliseconds to give up.
 * @returns The JSON value that the page has posted.
 * @throws {BrowserError} If the script cannot be bundled, Chromium ends early, or time is up.
 */
export async function runInChromium(
  command: string,
  page: URL,
  { timeout }: { readonly timeout: number },
): Promise<unknown> {
  const script = await bundle(page);
  const profile = await Deno.makeTempDir({ prefix: "chromium-" });
  const reported = Promise.withResolvers<unknown>();
  let last = "nothing: its script has not started";
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) =>
      answer(request, script, {
        report: reported.resolve,
        progress: (text) => last = text,
        failure: (text) => reported.reject(new BrowserError(`the page failed in ${last}: ${text}`)),
      }),
  );
  const child = new Deno.Command(command, {
    args: [
      ...HEADLESS,
      ...WEBGPU,
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${server.addr.port}/`,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const messages = new Response(child.stderr).text();
  const timer = setTimeout(() => {
    const late = `no report from ${page.pathname} in ${timeout} ms; the last it began was ${last}`;
    reported.reject(new BrowserError(late));
  }, timeout);
  const ended = child.status.then(({ code }) => {
    reported.reject(new BrowserError(`${command} ended with code ${code} before its report`));
  });
  try {
    return await reported.promise;
  } catch (error) {
    if (!(error instanceof BrowserError)) throw error;
    kill(child);
    throw new BrowserError(
      `Cannot run the page in Chromium: ${error.message}. Its messages:\n${await messages}`,
    );
  } finally {
    clearTimeout(timer);
    kill(child);
    await Promise.all([ended, messages, server.shutdown()]);
    await removeProfile(profile);
  }
}

/** Ends a process, if it has not ended by itself. */
export function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
}

/** Milliseconds in which a browser's other processes end after it. */
const PARTING = 20_000;

/**
 * Removes the profile of a browser that has ended. Its other processes end a little later, and write
 * until then, also into folders that have just been emptied.
 */
export async function removeProfile(profile: string): Promise<void> {
  const end = performance.now() + PARTING;
  for (;;) {
    try {
      return await Deno.remove(profile, { recursive: true });
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function bundle(page: URL): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", page.href],
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new BrowserError(
    `Cannot bundle ${page.pathname} for the browser: ${new TextDecoder().decode(stderr)}`,
  );
}

/** The empty page; what its script does not catch is posted to `failure`. */
const HTML = `<!doctype html>
<script>
const fail = (text) => fetch("failure", { method: "POST", body: text });
addEventListener("error", (event) => fail(event.message));
addEventListener("unhandledrejection", ({ reason }) => fail(String(reason?.stack ?? reason)));
</script>
<script type="module" src="page.js"></script>`;

/** What the page may post, besides its report: what it begins, and how it failed. */
interface Posts {
  report(value: unknown): void;
  progress(text: string): void;
  failure(text: string): void;
}

async function answer(request: Request, script: string, posts: Posts): Promise<Response> {
  const { pathname } = new URL(request.url);
  const typed = (text: string, type: string): Response =>
    new Response(text, { headers: { "content-type": `${type}; charset=utf-8` } });
  switch (`${request.method} ${pathname}`) {
    case "GET /":
      return typed(HTML, "text/html");
    case "GET /page.js":
      return typed(script, "text/javascript");
    case "POST /report":
      posts.report(await request.json());
      return typed("thanks", "text/plain");
    case "POST /progress":
      posts.progress(await request.text());
      return typed("thanks", "text/plain");
    case "POST /failure":
      posts.failure(await request.text());
      return typed("thanks", "text/plain");
    default:
      return new Response("not found", { status: 404 });
  }
}
