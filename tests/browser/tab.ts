/**
 * One tab of headless Chromium, driven through the DevTools protocol.
 *
 * @module
 */
import { BrowserError, HEADLESS, kill, removeProfile } from "./chromium.ts";

/** Milliseconds after which the browser is given up. */
const PATIENCE = 30_000;

/** A message of the protocol. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly exceptionDetails?: unknown; readonly entry?: { level: string } };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** How a tab is opened. */
export interface TabOptions {
  /** Command of Chromium. */
  readonly command: string;
  /** More flags, such as those for WebGPU. */
  readonly flags?: readonly string[];
  /** Extents of the window. */
  readonly width: number;
  /** Extents of the window. */
  readonly height: number;
}

/** A tab with nothing else in the browser. */
export class Tab implements AsyncDisposable {
  /** What went wrong in the page, in its workers' start or on the way to its files. */
  readonly faults: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #socket: WebSocket;
  readonly #profile: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #session: string | undefined;
  #next = 1;

  private constructor(child: Deno.ChildProcess, socket: WebSocket, profile: string) {
    this.#child = child;
    this.#socket = socket;
    this.#profile = profile;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  /** Starts Chromium with an empty tab. */
  static async open({ command, flags = [], width, height }: TabOptions): Promise<Tab> {
    const profile = await Deno.makeTempDir({ prefix: "chromium-" });
    const child = new Deno.Command(command, {
      args: [...HEADLESS, ...flags, `--user-data-dir=${profile}`, "--remote-debugging-port=0"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const socket = new WebSocket(await addressOf(child.stderr));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const tab = new Tab(child, socket, profile);
    const { targetId } = await tab.#call("Target.createTarget", { url: "about:blank" }) as {
      targetId: string;
    };
    const attached = await tab.#call("Target.attachToTarget", { targetId, flatten: true });
    tab.#session = (attached as { sessionId: string }).sessionId;
    const mobile = width < 600;
    const metrics = { width, height, deviceScaleFactor: 1, mobile };
    await tab.#call("Emulation.setDeviceMetricsOverride", metrics);
    for (const domain of ["Page", "Runtime", "Log"]) await tab.#call(`${domain}.enable`, {});
    return tab;
  }

  /** Goes to an address. */
  async visit(url: string): Promise<void> {
    await this.#call("Page.navigate", { url });
    await this.until("document.readyState === 'complete'", 30_000);
  }

  /** Value of an expression in the page, as JSON; promises are waited for. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", {
      ...{ expression, awaitPromise: true, returnByValue: true, userGesture: true },
    }) as { result: { value: unknown }; exceptionDetails?: unknown };
    if (exceptionDetails === undefined) return result.value;
    throw new BrowserError(`Cannot evaluate ${expression}: ${JSON.stringify(exceptionDetails)}`);
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    while (await this.evaluate(`Boolean(${expression})`).catch(() => false) !== true) {
      if (performance.now() > end) {
        throw new BrowserError(
          `Cannot go on: ${expression} is not true after ${milliseconds} ms. The page says: ${await this
            .evaluate("document.body.innerText")}\nFaults: ${this.faults.join("; ")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Draws a line with the mouse, through points in shares of an element's extents. */
  async draw(selector: string, points: readonly (readonly [number, number])[]): Promise<void> {
    const place = `(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x, y, width, height };
    })()`;
    const { x, y, width, height } = await this.evaluate(place) as DOMRectLike;
    const mouse = (type: string, [right, down]: readonly [number, number]): Promise<unknown> =>
      this.#call("Input.dispatchMouseEvent", {
        ...{ type, x: x + right * width, y: y + down * height },
        ...{ button: "left", buttons: type === "mouseReleased" ? 0 : 1, clickCount: 1 },
      });
    await mouse("mousePressed", points[0]!);
    for (const point of points.slice(1)) await mouse("mouseMoved", point);
    await mouse("mouseReleased", points.at(-1)!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    kill(this.#child);
    await this.#child.status;
    this.#socket.close();
    await removeProfile(this.#profile);
  }

  async #call(method: string, params: object): Promise<unknown> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const sessionId = this.#session;
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    // A browser whose GPU process hangs answers nothing any more.
    const late = setTimeout(
      () => waiting.reject(new BrowserError(`no answer to ${method} in ${PATIENCE} ms`)),
      PATIENCE,
    );
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(late);
    }
  }

  #receive({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new BrowserError(error.message));
      else waiting?.resolve(result);
    } else if (method === "Runtime.exceptionThrown") {
      this.faults.push(JSON.stringify(params?.exceptionDetails));
    } else if (method === "Log.entryAdded" && params?.entry?.level === "error") {
      this.faults.push(JSON.stringify(params.entry));
    }
  }
}

/** Where an element is. */
interface DOMRectLike {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The address that Chromium writes when it listens; what it writes later is read and dropped. */
async function addressOf(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new BrowserError(`Chromium ended before it listened: ${text}`);
    text += value;
    const address = /DevTools listening on (ws:\S+)\r?\n/.exec(text)?.[1];
    if (address === undefined) continue;
    const drop = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    drop().catch(() => {});
    return address;
  }
}
