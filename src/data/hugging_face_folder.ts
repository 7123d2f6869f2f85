/** Parquet shards of a data set by the names of its parts. */
export interface ShardFolder {
  /** Folder that holds the shards. */
  readonly folder: string;
  /** Shards of every part, in order: `train`, `test`, `validation` and whatever else there is. */
  readonly parts: ReadonlyMap<string, readonly string[]>;
}

/** Deepest folders and most entries that are looked at; a data set has a few levels. */
const MOST_DEPTH = 4;
const MOST_ENTRIES = 20_000;

/** Lists the parquet files of a folder and of those in it. */
async function listParquet(folder: string): Promise<string[]> {
  const found: string[] = [];
  let left = MOST_ENTRIES;
  const visit = async (path: string, depth: number): Promise<void> => {
    for await (const { name, isDirectory, isFile, isSymlink } of Deno.readDir(path)) {
      if (--left < 0) {
        throw new Error(
          `Cannot look for parquet files in ${folder}: more than ${MOST_ENTRIES} entries, expected a data set. Name a folder further down.`,
        );
      }
      if (isDirectory && depth < MOST_DEPTH) await visit(`${path}/${name}`, depth + 1);
      else if ((isFile || isSymlink) && name.endsWith(".parquet")) found.push(`${path}/${name}`);
    }
  };
  await visit(folder, 1);
  return found.sort();
}

/** What the name of a shard says. */
interface ShardName {
  readonly folder: string;
  readonly part: string;
  readonly index: number;
  readonly count: number | undefined;
}

/**
 * Reads the name of a shard: `train-00000-of-00002.parquet`, perhaps with a hash after it as older
 * ones have, `train.parquet`, or `train/0000.parquet` as the hub's own conversions.
 */
function readName(path: string): ShardName | undefined {
  const numbered = /^(.*)\/([\w.]+)-(\d{5})-of-(\d{5})(?:-[0-9a-f]{16})?\.parquet$/.exec(path);
  if (numbered !== null) {
    const [, folder, part, index, count] = numbered;
    return { folder: folder!, part: part!, index: Number(index), count: Number(count) };
  }
  const converted = /^(.*)\/(\w+)\/(\d{4})\.parquet$/.exec(path);
  if (converted !== null) {
    const [, folder, part, index] = converted;
    return { folder: folder!, part: part!, index: Number(index), count: undefined };
  }
  const single = /^(.*)\/(\w+)\.parquet$/.exec(path);
  return single === null
    ? undefined
    : { folder: single[1]!, part: single[2]!, index: 0, count: undefined };
}

/** Puts the shards of a part in order; throws if one is missing or there twice. */
function orderShards(shards: readonly (ShardName & { path: string })[]): string[] {
  const { folder, part } = shards[0]!;
  const count = shards[0]!.count ?? shards.length;
  const paths = new Map(shards.map(({ index, path }) => [index, path]));
  const missing = Array.from({ length: count }, (_, index) => index)
    .filter((index) => !paths.has(index));
  const same = shards.every((shard) => (shard.count ?? shards.length) === count);
  if (missing.length === 0 && same && paths.size === count && shards.length === count) {
    return Array.from({ length: count }, (_, index) => paths.get(index)!);
  }
  throw new Error(
    `Cannot use the part "${part}" in ${folder}: ${shards.length} shards${
      missing.length === 0 ? "" : ` without number ${missing.slice(0, 5).join(", ")}`
    }, expected each of ${count} once. Fetch what is missing, or remove what is of another version.`,
  );
}

/**
 * Finds the parquet shards of a data set in the layout of the Hugging Face hub.
 *
 * @param folder The folder, or one above it.
 * @returns The shards by part, or `undefined` if there is no parquet file.
 * @throws {Deno.errors.NotFound} If there is no such folder.
 * @throws {Error} If a shard is missing or there twice, a name is not of the layout, or there are
 * several data sets.
 */
export async function findShards(folder: string): Promise<ShardFolder | undefined> {
  const paths = await listParquet(folder.replace(/(?<=.)[\\/]+$/, ""));
  if (paths.length === 0) return undefined;
  const sets = new Map<string, Map<string, (ShardName & { path: string })[]>>();
  for (const path of paths) {
    const name = readName(path);
    if (name === undefined) {
      throw new Error(
        `Cannot use ${path}: a name of another form, expected train-00000-of-00001.parquet and the like. Rename the file or remove it.`,
      );
    }
    const parts = sets.get(name.folder) ?? new Map();
    parts.set(name.part, [...(parts.get(name.part) ?? []), { ...name, path }]);
    sets.set(name.folder, parts);
  }
  if (sets.size > 1) {
    throw new Error(
      `Cannot use ${folder}: data sets in ${
        [...sets.keys()].join(", ")
      }, expected one. Name one of these folders.`,
    );
  }
  const [[own, parts]] = [...sets] as [[string, Map<string, (ShardName & { path: string })[]>]];
  return {
    folder: own,
    parts: new Map([...parts].map(([part, shards]) => [part, orderShards(shards)])),
  };
}
