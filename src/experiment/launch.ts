/**
 * `deno task experiment`: runs the experiments' command in a process of its own that may do only what its
 * flags need. It is short and imports nothing of others, for it may start programs.
 *
 * @module
 */
import { dataDirectory } from "../data/data_directory.ts";
import { profileFolder } from "../machine/profile_folder.ts";
import { commitFiles } from "../run/git_commit.ts";
import { flagValue, permissionFlags } from "./permissions.ts";
import { ECHO, onStopSignal, signalExitCode } from "./signals.ts";
import { delay, watch } from "./watchdog.ts";

/**
 * Runs a program of experiments with the permissions that its arguments need.
 *
 * Signals are handed on. A program that computes hears none, so a second signal, half a second later or
 * more, ends it from here.
 *
 * @param program Path of the program; its folder is read, as is the commit of the tree around it.
 * @param args Arguments.
 * @returns The exit code of the program.
 */
export async function launch(program: string, args: readonly string[]): Promise<number> {
  const folder = program.replace(/[\\/][^\\/]*$/, "");
  const resume = flagValue(args, "resume");
  const resumedData = resume === undefined ? undefined : await recordedData(resume);
  let flags: string[];
  try {
    flags = permissionFlags({
      args,
      always: [folder, ...sources(), ...await commitFiles(folder), ...await packageCache()],
      dataDirectory: defaultData(),
      profiles: profileFolder(),
      realPath,
      ...(resumedData === undefined ? {} : { resumedData }),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    return 2;
  }
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, program, ...args],
  }).spawn();
  let firstAt: number | undefined;
  let ended: number | undefined;
  const remove = onStopSignal((name) => {
    const again = firstAt !== undefined && performance.now() - firstAt >= ECHO;
    firstAt ??= performance.now();
    if (again) ended = signalExitCode(name);
    try {
      child.kill(again ? "SIGKILL" : name);
    } catch {
      // It has ended already.
    }
  });
  const over = new AbortController();
  const hung = watch({ args, pid: child.pid, signal: over.signal }).then(async (wrong) => {
    if (wrong === undefined || ended !== undefined) return await child.status;
    console.error(`\nError: ${wrong}`);
    ended = 1;
    child.kill("SIGKILL");
    // One that hangs within the system does not die.
    return await Promise.race([child.status, delay(10_000, over.signal).then(() => ({ code: 1 }))]);
  });
  const { code } = await Promise.race([child.status, hung]);
  over.abort();
  remove();
  return ended ?? code;
}

/**
 * The package: the worker that decodes images, with all that it imports, is loaded with a program's own rights, and so
 * is an experiment, which may import the main entry.
 */
function sources(): string[] {
  return ["src", "kernels", "mod.ts"]
    .map((name) => localPath(new URL(`../../${name}`, import.meta.url)));
}

/** Path of a file address, without the slash before a drive. */
function localPath({ pathname }: URL): string {
  return decodeURIComponent(pathname).replace(/^\/(?=[A-Za-z]:)/, "");
}

/** Where a path leads; of what is not there yet, where its folder leads. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    const [, folder, name] = path.match(/^(.*?)[\\/]*([^\\/]+)[\\/]*$/) ?? [];
    if (name === undefined || path === ".") return path;
    return `${realPath(folder || (path.startsWith("/") ? "/" : "."))}/${name}`;
  }
}

/** The default folder of data sets; a missing HOME is for the child to tell. */
function defaultData(): string | undefined {
  try {
    return dataDirectory();
  } catch {
    return undefined;
  }
}

/** Where npm packages are: TensorFlow.js reads its wasm out of its own. */
async function packageCache(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache?: string };
  return npmCache === undefined ? [] : [npmCache];
}

/** What the record of a run says of its data; whatever is wrong with it is for the child to tell. */
async function recordedData(run: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(`${run}/config.yaml`).catch(() => "");
  const value = text.match(/^data: (.*)$/m)?.[1]?.trim();
  const quoted = value?.match(/^(['"])(.*)\1$/)?.[2];
  return quoted?.replaceAll("''", "'") ?? value;
}

if (import.meta.main) {
  const program = new URL("../../experiments/main.ts", import.meta.url);
  Deno.exit(await launch(localPath(program), Deno.args));
}
