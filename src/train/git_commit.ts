/**
 * The commit of the source tree, read from the files of `.git`, without running git.
 *
 * @module
 */

/**
 * Finds the commit that a folder's working tree is on.
 *
 * @param folder A folder inside the working tree.
 * @returns The hash of `HEAD`, or `undefined` outside of a repository, before the first commit, or
 * where `.git` may not be read.
 */
export async function readGitCommit(folder: string): Promise<string | undefined> {
  const git = await findGitFolder(folder);
  if (git === undefined) return undefined;
  const head = (await readText(`${git}/HEAD`))?.trim();
  if (head === undefined) return undefined;
  const reference = head.match(/^ref: (\S+)$/)?.[1];
  if (reference === undefined) return asHash(head);
  const common = (await readText(`${git}/commondir`))?.trim();
  const shared = common === undefined ? git : common.startsWith("/") ? common : `${git}/${common}`;
  for (const place of [git, shared]) {
    const loose = asHash((await readText(`${place}/${reference}`))?.trim());
    if (loose !== undefined) return loose;
  }
  const packed = await readText(`${shared}/packed-refs`) ?? "";
  const line = packed.split("\n").find((entry) => entry.endsWith(` ${reference}`));
  return asHash(line?.split(" ")[0]);
}

/** Walks up to the folder `.git`, or to what a worktree's file `.git` points at. */
async function findGitFolder(folder: string): Promise<string | undefined> {
  let place = await Deno.realPath(folder).catch(() => "");
  while (place !== "") {
    const info = await Deno.stat(`${place}/.git`).catch(() => undefined);
    if (info?.isDirectory) return `${place}/.git`;
    if (info) {
      const target = (await readText(`${place}/.git`))?.match(/^gitdir: (.+)$/m)?.[1];
      return target === undefined || target.startsWith("/") ? target : `${place}/${target}`;
    }
    place = place.slice(0, Math.max(place.lastIndexOf("/"), place.lastIndexOf("\\"), 0));
  }
  return undefined;
}

async function readText(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch(() => undefined);
}

function asHash(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}
