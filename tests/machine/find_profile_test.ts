/** Profiles of adapters on disk: measured once, measured again when they are no good. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { builtInProfile } from "../../src/adapter/mod.ts";
import {
  findProfile,
  type FindProfileOptions,
  profileFolder,
  profileHash,
  profileLines,
} from "../../src/machine/mod.ts";
import { webgpuTest } from "../webgpu.ts";

const measured = { ...builtInProfile("software"), source: "measured", load: 0.7 } as const;

webgpuTest(
  "findProfile() measures at first use, and again what is damaged or another's",
  async (gpu) => {
    const root = await Deno.makeTempDir();
    try {
      const folder = `${root}/deep/adapters`;
      const lines: string[] = [];
      let count = 0;
      const find = (more: Partial<FindProfileOptions> = {}) =>
        findProfile(gpu.device, {
          folder,
          log: (line) => lines.push(line),
          measureWith: () => Promise.resolve({ ...measured, readback: 1e7 + count++ }),
          ...more,
        });
      const builtIn = await find({ measure: "never" });
      assertEquals(builtIn, { profile: builtInProfile("software"), stored: undefined });
      const first = await find();
      assertEquals([first.profile.readback, count], [1e7, 1]);
      assertEquals(await find(), first);
      assertEquals(await find({ measure: "never" }), first);
      assertEquals(lines, []);
      const { path } = first.stored!;
      assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 1);
      const good = await Deno.readTextFile(path);
      const other = (change: (content: Record<string, unknown>) => void) => {
        const content = JSON.parse(good);
        change(content);
        return JSON.stringify(content);
      };
      const bad: [string, RegExp][] = [
        ["", /is damaged/],
        [good.slice(0, 200), /is damaged/],
        ["null", /is damaged/],
        [
          other((content) => Object.assign(content["profile"]!, { load: -1 })),
          /damaged: .*its load is -1/,
        ],
        [other((content) => Object.assign(content["profile"]!, { load: 0.5 })), /was changed/],
        [other((content) => content["date"] = "yesterday"), /was changed/],
        [
          other((content) => Object.assign(content["key"]!, { deno: "1.0.0" })),
          /another adapter or version/,
        ],
        [
          other((content) => Object.assign(content["key"]!, { format: 0 })),
          /another adapter or version/,
        ],
      ];
      for (const [text, expected] of bad) {
        await Deno.writeTextFile(path, text);
        const before = count;
        const found = await find();
        assertEquals([found.profile.readback, count], [1e7 + before, before + 1], text);
        assertMatch(lines.pop()!, expected);
        assertEquals(await find(), found);
      }
      const again = await find({ measure: "again" });
      assertEquals(await find(), again);
      assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 1);
      assertEquals(lines, []);
      // The device is another's: it stays open.
      await gpu.finish("see that it is open");
      await Deno.remove(folder, { recursive: true });
      await Deno.writeTextFile(folder, "in the way");
      await assertRejects(() => find(), Error, "Cannot read the profile");
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);

webgpuTest(
  "findProfile() without a folder is the built-in profile, and says why it keeps none",
  async (gpu) => {
    const lines: string[] = [];
    let count = 0;
    const options = {
      folder: undefined,
      log: (line: string) => lines.push(line),
      measureWith: () => Promise.resolve({ ...measured, readback: 1e7 + count++ }),
    };
    assertEquals((await findProfile(gpu.device, options)).profile.source, "built-in");
    assertEquals([count, lines.length], [0, 0]);
    const now = await findProfile(gpu.device, { ...options, measure: "again" });
    assertEquals([now.profile.source, now.stored, count], ["measured", undefined, 1]);
    assertMatch(lines.pop()!, /not kept: there is no folder for it/);
    assertMatch(
      profileLines(now)[0]!,
      new RegExp(`${profileHash(now.profile)}: measured now, not kept`),
    );
  },
);

webgpuTest(
  "findProfile() says that a folder cannot be written, before it measures",
  async (gpu) => {
    const root = await Deno.makeTempDir();
    try {
      const folder = `${root}/link`;
      await Deno.symlink(`${root}/gone/there`, folder);
      const said: string[] = [];
      const options = {
        folder,
        log: (line: string) => void said.push(line),
        measureWith: async () => {
          said.push("measures");
          await Deno.remove(folder);
          await Deno.symlink(`${root}/gone/there`, folder);
          return measured;
        },
      };
      const why = /^The profile is not kept: Cannot make the folder of profiles .*link: /;
      assertEquals((await findProfile(gpu.device, options)).profile.source, "built-in");
      assertMatch(said.pop()!, /^The built-in profile is taken, .* would not be kept: Cannot make/);
      assertEquals(said, []);
      const again = await findProfile(gpu.device, { ...options, measure: "again" });
      assertEquals(again, { profile: measured, stored: undefined });
      assertMatch(said.shift()!, why);
      assertEquals(said.splice(0), ["measures"]);
      // It can be written at first, and no longer when it was measured: the run takes what it has.
      await Deno.remove(folder);
      await Deno.mkdir(folder);
      assertEquals(await findProfile(gpu.device, options), {
        profile: measured,
        stored: undefined,
      });
      assertEquals(said.shift(), "measures");
      assertMatch(said.shift()!, why);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);

Deno.test("profileFolder() follows its variable, then the data folder", () => {
  const of = (variables: Record<string, string>) =>
    profileFolder({ environment: (name) => variables[name], os: "linux" });
  assertEquals(of({ HOME: "/home/ada" }), "/home/ada/.local/share/mutasesumele/adapters");
  assertEquals(of({ HOME: "/home/ada", MUTASESUMELE_DATA: "/big" }), "/big/adapters");
  assertEquals(of({ HOME: "/home/ada", MUTASESUMELE_PROFILES: "/p" }), "/p");
  assertEquals(of({ HOME: "/home/ada", MUTASESUMELE_PROFILES: "" }), undefined);
  assertEquals(of({}), undefined);
});

Deno.test("profileLines() say how old a profile is, and where", () => {
  const stored = { profile: measured, date: "2025-01-01T00:00:00.000Z", path: "/p/a.json" };
  const at = (days: number) =>
    profileLines({ profile: measured, stored }, Date.parse(stored.date) + days * 864e5)[0]!;
  assert(at(0.01).includes("within the hour") && at(0.01).includes("/p/a.json"));
  assert(at(1).includes("24 hours ago") && at(10).includes("10 days ago"));
  // A clock that was ahead when it was measured.
  assert(at(-1).includes("measured later than this clock says (2025"));
  const text = profileLines({ profile: measured, stored }).join("\n");
  assertMatch(text, /load 700 ps.*\n.*barrier of 64 invocations 400 ns, 8 lanes/);
  assertMatch(text, /load 12, store 50, dispatch 1500000/);
  const withPlans = (work: number) => {
    const plans = { dispatch: 6e4, work, convolution: 1.4, filterGradient: 1.2 };
    return profileLines({ profile: { ...measured, plans }, stored }).join("\n");
  };
  assert(!text.includes("in plans") && !withPlans(1.3).includes("busy machine"));
  assertMatch(withPlans(1.3), /in plans: a dispatch 60 us, work 1.3 times .* 1.4 .* 1.2 times/);
  assertMatch(withPlans(3), /measured on a busy machine/);
});
