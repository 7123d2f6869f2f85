/** What is asked in a process of its own: it ends with the one that asks. */
import { assertEquals } from "@std/assert";

const module = JSON.stringify(import.meta.resolve("../../src/study/sweep/ask_experiment.ts"));

Deno.test({
  name: "askExperiment() hands on the signal that stops it, and leaves no process",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(
        `${folder}/ask.ts`,
        `import { askExperiment } from ${module};
         const work = "trap 'echo over > ${folder}/over; exit 9' TERM; echo up >&2; while :; do sleep 0.05; done";
         await askExperiment(["sh", "-c", work], [], (line) => console.log(line));`,
      );
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", `${folder}/ask.ts`],
        stdout: "piped",
      }).spawn();
      const reader = child.stdout.getReader();
      assertEquals(new TextDecoder().decode((await reader.read()).value), "up\n");
      child.kill("SIGTERM");
      assertEquals((await child.status).code, 143);
      assertEquals(await Deno.readTextFile(`${folder}/over`), "over\n");
      await reader.cancel();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
