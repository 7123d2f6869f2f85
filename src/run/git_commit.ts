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
  const git = (await findGitFolder(folder))?.git;
  if (git === undefined) return undefined;
  const head = (await readText(`${git}/HEAD`))?.trim();
  if (head === undefined) return undefined;
  const reference = head.match(/^ref: (\S+)$/)?.[1];
  if (reference === undefined) return asHash(head);
  const shared = await sharedFolder(git);
  for (const place of [git, shared]) {
    const loose = asHash((await readText(`${place}/${reference}`))?.trim());
    if (loose !== undefined) return loose;
  }
  const packed = await readText(`${shared}/packed-refs`) ?? "";
  const line = packed.split("\n").find((entry) => entry.endsWith(` ${reference}`));
  return asHash(line?.split(" ")[0]);
}

/**
 * Lists what {@linkcode readGitCommit} reads, so that nothing else of a repository need be readable.
 *
 * @param folder A folder inside the working tree.
 * @returns Paths of files and folders; some may not exist.
 */
export async function commitFiles(folder: string): Promise<string[]> {
  const found = await findGitFolder(folder);
  if (found === undefined) return [];
  const { git, file } = found;
  const shared = await sharedFolder(git);
  const places = [...new Set([git, shared])];
  return [
    ...(file === undefined ? [] : [file]),
    ...["HEAD", "commondir"].map((name) => `${git}/${name}`),
    ...places.flatMap((place) => ["refs", "packed-refs"].map((name) => `${place}/${name}`)),
  ];
}

/** Where references that all working trees share are. */
async function sharedFolder(git: string): Promise<string> {
  const common = (await readText(`${git}/commondir`))?.trim();
  if (common === undefined) return git;
  // Permissions are for paths without "..".
  const resolved: string[] = [];
  for (const part of (common.startsWith("/") ? common : `${git}/${common}`).split("/")) {
    if (part === "..") resolved.pop();
    else resolved.push(part);
  }
  return resolved.join("/");
}

/** Walks up to the folder `.git`, or to what a worktree's file `.git` points at. */
async function findGitFolder(
  folder: string,
): Promise<{ readonly git: string; readonly file?: string } | undefined> {
  let place = await mayRead(folder) ? await Deno.realPath(folder).catch(() => "") : folder;
  while (place !== "") {
    if (await readText(`${place}/.git/HEAD`) !== undefined) return { git: `${place}/.git` };
    const target = (await readText(`${place}/.git`))?.match(/^gitdir: (.+)$/m)?.[1];
    if (target !== undefined) {
      return { git: target.startsWith("/") ? target : `${place}/${target}`, file: `${place}/.git` };
    }
    place = place.slice(0, Math.max(place.lastIndexOf("/"), place.lastIndexOf("\\"), 0));
  }
  return undefined;
}

/** A file as text; `undefined` if there is none, or without asking where it may not be read. */
async function readText(path: string): Promise<string | undefined> {
  return await mayRead(path) ? await Deno.readTextFile(path).catch(() => undefined) : undefined;
}

/** Whether a path may be read without asking the person at the keyboard. */
async function mayRead(path: string): Promise<boolean> {
  return (await Deno.permissions.query({ name: "read", path })).state === "granted";
}

function asHash(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}
