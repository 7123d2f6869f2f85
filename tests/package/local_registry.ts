/**
 * A registry on this machine that speaks as much of JSR's protocol as Deno needs: `deno publish` sends the
 * package there, and `jsr:` specifiers are fetched from there.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { encodeHex, extractTar } from "./tar.ts";

const root = new URL("../../", import.meta.url);
const decoder = new TextDecoder();

/** One version of one package: its files by path, beginning with a slash. */
interface Published {
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What a command wrote and how it ended. */
export interface Ended {
  /** Exit code. */
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly err: string;
}

/** A registry with this package, and the mirrors of `@std` that it imports. */
export class LocalRegistry implements AsyncDisposable {
  /** What `deno publish` wrote. */
  readonly publication: Ended;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #home: string;
  readonly #packages: Map<string, Published>;

  private constructor(
    server: Deno.HttpServer<Deno.NetAddr>,
    state: { home: string; packages: Map<string, Published>; publication: Ended },
  ) {
    this.#server = server;
    this.#home = state.home;
    this.#packages = state.packages;
    this.publication = state.publication;
  }

  /** Publishes the package of this tree. */
  static async open(): Promise<LocalRegistry> {
    const packages = new Map<string, Published>();
    for (const name of ["assert", "cli", "yaml"]) {
      packages.set(`@std/${name}`, await readFolder(new URL(`links/${name}/`, root)));
    }
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => answer(request, packages),
    );
    const home = await Deno.makeTempDir({ prefix: "registry-" });
    // Packages of npm come from the cache that is there.
    const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
    await Deno.symlink(JSON.parse(decoder.decode(info.stdout)).npmCache, `${home}/npm`);
    const state = { home, packages, publication: { code: -1, out: "", err: "" } };
    const args = ["publish", "--token=none", "--allow-dirty", "--no-check", "--no-provenance"];
    const publication = await new LocalRegistry(server, state).deno(args, { cwd: root });
    return new LocalRegistry(server, { ...state, publication });
  }

  /** Runs Deno as somebody who has nothing of this tree; `offline`: what npm's cache lacks cannot be had. */
  async deno(
    args: readonly string[],
    { cwd, offline = false }: { readonly cwd: string | URL; readonly offline?: boolean },
  ): Promise<Ended> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd,
      env: {
        JSR_URL: `http://127.0.0.1:${this.#server.addr.port}/`,
        DENO_DIR: this.#home,
        // Nothing listens there.
        ...(offline && { HTTPS_PROXY: "http://127.0.0.1:9", NO_PROXY: "127.0.0.1" }),
        NO_COLOR: "1",
        XDG_RUNTIME_DIR: this.#home,
        XDG_DATA_HOME: `${this.#home}/data`,
      },
    }).output();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }

  /** A published file of this package, as JSR would show it. */
  file(path: string): string {
    const bytes = this.#packages.get("@mutasesumele/toolkit")?.files.get(path);
    assert(bytes, `${path} was not published`);
    return decoder.decode(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.#home, { recursive: true });
  }
}

/** A package that is a folder. */
async function readFolder(folder: URL): Promise<Published> {
  const files = new Map<string, Uint8Array>();
  for await (const { name } of Deno.readDir(folder)) {
    files.set(`/${name}`, await Deno.readFile(new URL(name, folder)));
  }
  return published(files);
}

/** Reads version and exports of a package from its `deno.json`. */
function published(files: ReadonlyMap<string, Uint8Array>): Published {
  const { version, exports } = JSON.parse(decoder.decode(files.get("/deno.json")));
  return { version, files, exports: typeof exports === "string" ? { ".": exports } : exports };
}

/** https://jsr.io/docs/api: what is fetched; and the three calls of `deno publish`. */
async function answer(request: Request, packages: Map<string, Published>): Promise<Response> {
  const { pathname } = new URL(request.url);
  const api = /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)(\/versions\/[^/]+)?$/.exec(pathname);
  if (api && request.method === "POST") {
    assertEquals(request.headers.get("content-encoding"), "gzip");
    const body = request.body!.pipeThrough(new DecompressionStream("gzip"));
    const files = extractTar(new Uint8Array(await new Response(body).arrayBuffer()));
    packages.set(`@${api[1]}/${api[2]}`, published(files));
    return Response.json({ id: "1", status: "success", error: null });
  }
  if (api && api[3] !== undefined) {
    const error = { code: "versionNotFound", message: "it is new" };
    return Response.json(error, { status: 404 });
  }
  if (api) return Response.json({ scope: api[1], name: api[2] });
  const [, name, rest] = /^\/(@[^/]+\/[^/]+)\/(.+)$/.exec(pathname) ?? [];
  const found = name === undefined ? undefined : packages.get(name);
  if (!found || rest === undefined) return new Response(null, { status: 404 });
  const { version, exports, files } = found;
  if (rest === "meta.json") return Response.json({ latest: version, versions: { [version]: {} } });
  if (rest === `${version}_meta.json`) {
    const entries = Array.from(files, async ([path, bytes]) => {
      const digest = await crypto.subtle.digest("SHA-256", bytes as BufferSource);
      const checksum = `sha256-${encodeHex(new Uint8Array(digest))}`;
      return [path, { size: bytes.length, checksum }] as const;
    });
    return Response.json({ exports, manifest: Object.fromEntries(await Promise.all(entries)) });
  }
  const file = files.get(decodeURIComponent(rest.slice(version.length)));
  if (!file) return new Response(null, { status: 404 });
  const type = rest.endsWith(".ts") ? "text/typescript" : "text/plain";
  return new Response(file as BodyInit, { headers: { "content-type": type } });
}
