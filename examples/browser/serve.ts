/**
 * Bundles the demo and serves it: `deno task demo`. The bundles are plain files: any server of a site can
 * serve what `--out FOLDER` writes.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";

const here = new URL("./", import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  css: "text/css",
  js: "text/javascript",
  wasm: "application/wasm",
};

/**
 * Bundles the demo into a folder.
 *
 * @param folder The folder; made if there is none.
 */
export async function build(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/wasm`, { recursive: true });
  const path = (name: string): string => decodeURIComponent(new URL(name, here).pathname);
  const bundles = async (): Promise<void> => {
    const entries = ["page", "worker", "worker_wasm"].map((name) => path(`${name}.ts`));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        // Split, a page loads what it uses: nothing of WebGPU where there is none.
        ...["bundle", "--quiet", "--platform", "browser", "--minify", "--code-splitting"],
        ...["--outdir", folder, ...entries],
      ],
    }).output();
    if (!success) throw new Error(`Cannot bundle the demo: ${new TextDecoder().decode(stderr)}`);
  };
  const copies = ["index.html", "style.css"].map((name) =>
    Deno.copyFile(new URL(name, here), `${folder}/${name}`)
  );
  const backend = new URL(import.meta.resolve("@tensorflow/tfjs-backend-wasm/package.json"));
  const wasm = ["tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm.wasm"].map((name) =>
    Deno.copyFile(new URL(`dist/${name}`, backend), `${folder}/wasm/${name}`)
  );
  await Promise.all([bundles(), ...copies, ...wasm]);
}

/**
 * Serves a folder on this machine.
 *
 * @param folder The folder.
 * @param port The port; 0 takes any that is free.
 * @returns The server.
 */
export function serve(folder: string, port: number): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const name = pathname === "/" ? "/index.html" : pathname;
    if (!/^(\/[\w.-]+)+$/.test(name) || name.includes("..")) {
      return new Response("not found", { status: 404 });
    }
    try {
      const file = await Deno.readFile(`${folder}${name}`);
      const type = TYPES[name.split(".").at(-1)!] ?? "application/octet-stream";
      return new Response(file, { headers: { "content-type": `${type}; charset=utf-8` } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
}

if (import.meta.main) {
  const usage = "Usage: deno task demo [--port 8080 | --out FOLDER]\n\n" +
    "Bundles the demo and serves it here, or only writes its files to a folder.";
  const { out, port = "8080", help } = parseArgs(Deno.args, {
    string: ["out", "port"],
    boolean: ["help"],
    alias: { help: "h" },
    unknown: (argument) => {
      console.error(`Cannot serve the demo: there is no "${argument}".\n${usage}`);
      Deno.exit(2);
    },
  });
  if (help) {
    console.log(usage);
    Deno.exit(0);
  }
  const folder = out ?? await Deno.makeTempDir({ prefix: "demo-" });
  await build(folder);
  if (out === undefined) {
    const { addr } = serve(folder, Number(port));
    console.log(`http://127.0.0.1:${addr.port}/`);
  }
}
