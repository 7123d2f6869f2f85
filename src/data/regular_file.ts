/** A file that is open for reading, and its length. */
export interface OpenFile extends Disposable {
  /** The file. */
  readonly file: Deno.FsFile;
  /** Bytes. */
  readonly size: number;
}

/**
 * Tells the length of a file that has an end.
 *
 * @param path The file.
 * @returns Its bytes.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Error} If it is a folder, a device, a pipe or a socket.
 */
export async function regularFileSize(path: string): Promise<number> {
  const { isFile, isDirectory, size } = await Deno.stat(path);
  if (isFile) return size;
  throw new Error(
    `Cannot read ${path}: it is a ${
      isDirectory ? "folder" : "device, a pipe or a socket"
    }, expected a regular file. Name a file.`,
  );
}

/**
 * Opens a file that has an end: devices, pipes and sockets, which may be read for ever, are refused
 * before they are opened.
 *
 * @param path The file.
 * @returns The open file, to be disposed of.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Error} If it is a folder, a device, a pipe or a socket.
 */
export async function openRegularFile(path: string): Promise<OpenFile> {
  await regularFileSize(path);
  const file = await Deno.open(path);
  try {
    const { size } = await file.stat();
    return { file, size, [Symbol.dispose]: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Reads a whole file of at most some length.
 *
 * @param path The file.
 * @param most Most bytes; nothing is allocated for a longer file.
 * @returns Its content.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Error} If it is not a regular file, is longer, or changes its length while it is read.
 */
export async function readRegularFile(
  path: string,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  using open = await openRegularFile(path);
  if (open.size > most) {
    throw new RangeError(
      `Cannot read ${path}: ${open.size} bytes, expected at most ${most}. It is not the file that is meant, or damaged.`,
    );
  }
  // One byte more than announced shows a file that grows, and those of /proc that announce 0.
  const bytes = new Uint8Array(open.size + 1);
  let filled = 0;
  while (filled < bytes.length) {
    const read = await open.file.read(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  if (filled !== open.size) {
    throw new Error(
      `Cannot read ${path}: ${
        filled > open.size ? "more" : `only ${filled}`
      } bytes came, expected ${open.size}. The file is being written: wait for that to end.`,
    );
  }
  return bytes.subarray(0, filled);
}
