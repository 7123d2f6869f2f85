/** The profile of the adapter in the record of a run, which compiles the same plans when it goes on. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { adapterCosts, builtInProfile } from "../../src/adapter/mod.ts";
import { openEngine } from "../../src/engine/mod.ts";
import { profileFinder } from "../../src/experiment/adapter_profile.ts";
import { profileHash } from "../../src/machine/mod.ts";
import { webgpuTest } from "../webgpu.ts";

const quick = { ...builtInProfile("software"), source: "measured", dispatch: 3000 } as const;
const slow = { ...quick, dispatch: 300_000 } as const;

/** A run whose adapter is measured as told. */
function runOf(found: typeof quick | typeof slow, folder: string | undefined) {
  const lines: string[] = [];
  let environment: Record<string, unknown> = {};
  return {
    lines,
    record: () => environment,
    finder: (resumed: boolean, recorded: Record<string, unknown> = {}) => {
      environment = recorded;
      return profileFinder({
        resumed,
        environment: () => environment,
        describe: (facts) => Promise.resolve(void (environment = { ...environment, ...facts })),
        log: (line) => lines.push(line),
        note: () => {},
        find: { folder, measureWith: () => Promise.resolve(found) },
      });
    },
  };
}

webgpuTest(
  "a resumed run compiles by the profile of its record, on the same adapter",
  async (gpu) => {
    const folder = await Deno.makeTempDir();
    try {
      const begun = runOf(quick, `${folder}/a`);
      const finder = begun.finder(false);
      assertEquals(await finder(gpu.device), quick);
      assertEquals(await finder(gpu.device), quick);
      const record = begun.record();
      assertEquals(record["adapterProfile"], {
        adapter: gpu.info.label,
        hash: profileHash(quick),
        ...quick,
      });
      assertEquals(begun.lines.filter((line) => line.startsWith("measuring")).length, 1);
      assertMatch(begun.lines.at(-1)!, /measured in .* s, kept in /);
      // Another run measures nothing and says so, also one whose clock is behind.
      for await (const { name } of Deno.readDir(`${folder}/a`)) {
        const path = `${folder}/a/${name}`;
        const text = await Deno.readTextFile(path);
        await Deno.writeTextFile(path, text.replace(/"date": "\d+/, '"date": "2999'));
      }
      const second = runOf(slow, `${folder}/a`);
      assertEquals(await second.finder(false)(gpu.device), quick);
      assertEquals(second.lines, []);
      // The machine has measured something else since.
      const later = () => runOf(slow, `${folder}/b`);
      assertEquals(await later().finder(true, { ...record })(gpu.device), quick);
      assertEquals(await later().finder(false)(gpu.device), slow);
      assert(adapterCosts(slow).dispatch > adapterCosts(quick).dispatch);
      const other = later();
      const elsewhere = {
        adapterProfile: { ...quick, adapter: "another", hash: profileHash(quick) },
      };
      assertEquals(await other.finder(true, elsewhere)(gpu.device), slow);
      assertMatch(other.lines[0]!, /Resumed on .*, begun on another/);
      // A run that began before there were profiles.
      const old = await later().finder(true, { adapter: gpu.info.label })(gpu.device);
      assertEquals(old, builtInProfile("software"));
      const changed = { adapterProfile: { ...record["adapterProfile"] as object, load: 0.5 } };
      await assertRejects(
        () => later().finder(true, changed)(gpu.device),
        Error,
        "Undo the change",
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

webgpuTest("openEngine() takes a profile or asks for it, and needs none", async (gpu) => {
  using without = await openEngine("webgpu");
  assertEquals(without.info.profile, builtInProfile("software"));
  using given = await openEngine("webgpu", { profile: slow });
  assertEquals(given.info.profile, slow);
  const devices: GPUDevice[] = [];
  using asked = await openEngine("webgpu", {
    device: gpu.device,
    profile: (device) => Promise.resolve((devices.push(device), quick)),
  });
  assertEquals(asked.info.profile, quick);
  assertEquals(devices, [gpu.device]);
  const wrong = { ...quick, load: -1 };
  await assertRejects(() => openEngine("webgpu", { profile: wrong }), TypeError, "its load is -1");
});
