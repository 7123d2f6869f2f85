/** Units that validation images judge, as in tuning: whatever the test images are, they are the same. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runExperiment } from "../../src/experiment/mod.ts";
import { imageStudy } from "../../src/study/arms/image_study.ts";
import { studySchema } from "../../src/study/arms/study_schema.ts";
import { readTrials } from "../../src/study/read_units.ts";
import { withFolder } from "../data/fixtures.ts";
import { shard } from "../data/hub_fixtures.ts";

const study = imageStudy({
  ...{ name: "demo", title: "A demo", summary: "Shows.", question: [] },
  presets: new URL("none.yaml", import.meta.url),
});
const config = {
  arms: { scratch: { protocols: ["fine-tune", "knn"] } },
  model: { backbone: { encoder: { widths: [2], embedding: 4 } }, hidden: 4 },
  ...{ imageSize: 8, batchSize: 4, validation: 8, evaluationBatch: 4, refreshBatches: 1 },
  fineTune: { steps: 1 },
};

Deno.test("a unit that is judged by validation images does not depend on the test images", () =>
  withFolder(async (folder) => {
    const unitOf = async (first: number, judgeBy: string) => {
      const root = `${folder}/${judgeBy}-${first}`;
      const data = `${root}/set`;
      await Deno.mkdir(data, { recursive: true });
      await Deno.writeFile(`${data}/train-00000-of-00001.parquet`, shard(0, 30));
      await Deno.writeFile(`${data}/test-00000-of-00001.parquet`, shard(first, 9));
      const { path } = await runExperiment(study, {
        ...{ seed: 3, engine: "reference", preset: null, command: ["test"], data },
        ...{ config: studySchema.parse({ ...config, judgeBy }), folder: { root } },
        halfPrecision: judgeBy === "test",
      });
      const [unit] = await readTrials(path);
      const text = JSON.stringify(
        { ...unit, facts: { ...unit!.facts, provenance: "" } },
        (key, value) => key === "seconds" ? 0 : value,
      );
      return { unit: unit!, text, path };
    };
    const [one, other] = [await unitOf(100, "validation"), await unitOf(200, "validation")];
    assertEquals(one.text, other.text);
    assertEquals(one.unit.outcomes.map((outcome) => "test" in outcome), [false, false]);
    assert(one.unit.outcomes.every(({ curve }) => curve.length > 0));
    for (const file of ["summary.json", "report.html"]) {
      const text = await Deno.readTextFile(`${one.path}/${file}`);
      assertEquals(/testAccuracy|of the test images/.test(text), false, file);
    }
    assertStringIncludes(await Deno.readTextFile(`${one.path}/report.html`), "by no test image");
    // By test images the same unit is judged, and says so; as it says that it may compute in half precision.
    const tested = await unitOf(100, "test");
    const halves = [one, tested].map(({ unit: { facts } }) => facts["halfPrecision"]);
    assertEquals(halves, [undefined, true]);
    assertEquals((tested.unit.facts["data"] as unknown[]).length, 2);
    assertEquals((one.unit.facts["data"] as unknown[]).length, 1);
    assertEquals(tested.unit.outcomes[0]!.curve.map(({ accuracy }) => accuracy), [
      ...one.unit.outcomes[0]!.curve.map(({ accuracy }) => accuracy),
    ]);
    assertEquals("test" in tested.unit.outcomes[0]!, true);
  }));
