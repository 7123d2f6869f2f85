/** Soak: runs on a file system that fills up, at every size of it (Linux, as root: it is mounted). */
import { assert, assertEquals } from "@std/assert";
import { loadCheckpoint } from "../../src/run/checkpoint.ts";
import { resultsOf, runTwoStages } from "../train/fixtures.ts";

/** Mounts a tmpfs of so many blocks of 4 KiB while `body` runs. */
async function withTmpfs(
  blocks: number,
  body: (place: string, grow: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const place = await Deno.makeTempDir();
  const mount = async (...args: string[]): Promise<void> => {
    const { success, stderr } = await new Deno.Command("mount", { args }).output();
    assert(success, new TextDecoder().decode(stderr));
  };
  await mount("-t", "tmpfs", "-o", `size=${blocks * 4}k`, "tmpfs", place);
  try {
    await body(place, () => mount("-o", "remount,size=4m", place));
  } finally {
    await new Deno.Command("umount", { args: [place] }).output();
    await Deno.remove(place);
  }
}

/** Runs in ever larger file systems until a run ends by itself. */
export async function fullDisk(most: number, log: (line: string) => void): Promise<void> {
  let whole: string[] = [];
  await withTmpfs(1000, async (place) => {
    const { code, path } = await runTwoStages(["--seed", "3", "--out", place]);
    assertEquals(code, 0);
    whole = await resultsOf(path);
  });
  let [failed, resumed] = [0, 0];
  for (let blocks = 1; blocks <= most; blocks++) {
    let ended = false;
    await withTmpfs(blocks, async (place, grow) => {
      const { code, err } = await runTwoStages(["--seed", "3", "--out", place]);
      if (code === 0) {
        ended = true;
        return;
      }
      failed++;
      assertEquals(code, 1);
      assert(err.includes("the disk is full"), err);
      const runs = await Array.fromAsync(Deno.readDir(`${place}/two-stages`)).catch(() => []);
      if (runs.length === 0) return;
      const path = `${place}/two-stages/${runs[0]!.name}`;
      for (const stage of ["arm-first", "arm-second"]) {
        const files = await Array.fromAsync(Deno.readDir(`${path}/checkpoints/${stage}`))
          .catch(() => []);
        for (const { name } of files) await loadCheckpoint(`${path}/checkpoints/${stage}/${name}`);
      }
      await grow();
      const again = await runTwoStages(["--resume", path]);
      assertEquals(again.code, 0, again.err);
      assertEquals(await resultsOf(path), whole, `${blocks} blocks`);
      resumed++;
    });
    if (ended) break;
  }
  assert(resumed > 5, `${resumed} runs were resumed`);
  log(
    `${failed} runs on a full disk failed with an error, ${resumed} of them resumed to the same numbers`,
  );
}
