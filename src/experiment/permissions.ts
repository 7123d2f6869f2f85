/**
 * The permissions of one run: what its command line needs, and nothing else.
 *
 * @module
 */
import { PROFILES_VARIABLE } from "../machine/profile_folder.ts";
import { PUBLISHED_SETS } from "../data/published_sets.ts";

/** Where CIFAR-10 and CIFAR-100 are downloaded from; an experiment on them may reach nothing else. */
export const DATA_HOSTS: readonly string[] = ["www.cs.toronto.edu:443"];

/** Where data sets of the Hugging Face hub are downloaded from: it, and those it sends on to. */
export const HUB_HOSTS: readonly string[] = [
  "huggingface.co:443",
  "*.huggingface.co:443",
  "*.hf.co:443",
];

/** Environment variables that name the folder of data sets. */
export const DATA_VARIABLES: readonly string[] = [
  "MUTASESUMELE_DATA",
  "XDG_DATA_HOME",
  "HOME",
  "LOCALAPPDATA",
];

/** Environment variables that an experiment may read; the parser of YAML looks at the last two. */
export const ENVIRONMENT: readonly string[] = [
  ...DATA_VARIABLES,
  PROFILES_VARIABLE,
  ...["LOG_TOKENS", "LOG_STREAM"],
];

/** What the person at the keyboard asked for, as far as it decides permissions. */
export interface PermissionRequest {
  /** Arguments of the command. */
  readonly args: readonly string[];
  /** Folders and files that every run reads: the experiments, the commit, the package cache. */
  readonly always: readonly string[];
  /** The default folder of data sets, if there is one. */
  readonly dataDirectory: string | undefined;
  /** The folder of the adapters' profiles, if there is one: read, and written at the first use of an adapter. */
  readonly profiles?: string | undefined;
  /** Data that the run which is resumed asked for. */
  readonly resumedData?: string;
  /** Finds where a path leads: of open files, Deno asks for the permission there. The path itself unless told. */
  readonly realPath?: (path: string) => string;
}

/**
 * Finds the last value of a flag, as the child will read it: `--flag value` or `--flag=value`.
 *
 * @param args Arguments of the command.
 * @param flag Name without dashes.
 */
export function flagValue(args: readonly string[], flag: string): string | undefined {
  const at = args.findLastIndex((arg) => arg === `--${flag}` || arg.startsWith(`--${flag}=`));
  if (at < 0) return undefined;
  return args[at] === `--${flag}` ? args[at + 1] : args[at]!.slice(flag.length + 3);
}

/** Where data of this name come from; `undefined` for a path. */
function hostsOf(data: string): readonly string[] | undefined {
  if (data === "synthetic") return [];
  if (data === "auto" || data === "cifar100-binary") return DATA_HOSTS;
  return PUBLISHED_SETS.some(({ name }) => name === data) ? HUB_HOSTS : undefined;
}

/**
 * Derives Deno's permission flags from the arguments of an experiment: reads the experiments, the data
 * and the run folder, writes the run folder, the profiles of adapters and, where it may download, the data folder,
 * reaches the data hosts only then, and may import, run, load or ask the system for nothing.
 *
 * @param request Arguments and places.
 * @returns Flags for `deno run`.
 * @throws {RangeError} If a path cannot be said in a flag.
 */
export function permissionFlags(request: PermissionRequest): string[] {
  const { args, always, dataDirectory, profiles, resumedData, realPath = (path) => path } = request;
  const resume = flagValue(args, "resume");
  const run = resume ?? flagValue(args, "folder") ?? flagValue(args, "out") ?? "runs";
  const files = [flagValue(args, "config"), flagValue(args, "kernels")]
    .filter((path) => path !== undefined);
  const data = resumedData ?? flagValue(args, "data") ?? "auto";
  const hosts = hostsOf(data);
  const downloads = hosts !== undefined && hosts.length > 0 && !args.includes("--offline");
  const known = data !== "synthetic" && dataDirectory ? [dataDirectory] : [];
  const folders = hosts === undefined ? [data] : known;
  const own = [run, ...(profiles === undefined ? [] : [profiles])];
  const places = (paths: readonly string[]) => [
    ...new Set(paths.filter((path) => path !== "").flatMap((path) => [path, realPath(path)])),
  ];
  const read = places([...always, ...own, ...folders, ...files]);
  const write = places([...own, ...(downloads ? folders : [])]);
  return [
    "--no-prompt",
    `--allow-read=${list(read)}`,
    // Deno refuses an empty list.
    ...(write.length > 0 ? [`--allow-write=${list(write)}`] : []),
    `--allow-env=${list(ENVIRONMENT)}`,
    "--deny-import",
    ...(downloads ? [`--allow-net=${list(hosts)}`] : []),
  ];
}

function list(items: readonly string[]): string {
  const bad = items.find((item) => item.includes(","));
  if (bad !== undefined) {
    throw new RangeError(
      `Cannot give permission for "${bad}": Deno's flags separate paths by commas. Use a path ` +
        `without one.`,
    );
  }
  return items.join(",");
}
