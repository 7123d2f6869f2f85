import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { crc32c, maskCrc } from "../../src/run/crc32c.ts";
import { formatMetricRecord, MetricsWriter, readMetrics } from "../../src/run/metrics.ts";
import { MetricsLog } from "../../src/run/metrics_log.ts";
import { TensorBoardWriter } from "../../src/run/tensorboard.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("formatMetricRecord() writes numbers that read back with the same bits", () => {
  const numbers = [
    0,
    -0,
    0.1,
    1 / 3,
    5e-324,
    1.7976931348623157e308,
    -1e21,
    Math.fround(0.1),
    1e-7,
  ];
  for (const value of numbers) {
    const line = formatMetricRecord({ arm: "a", phase: "p", step: 1, value });
    assertEquals(Object.is(JSON.parse(line).value, value), true, line);
  }
  const float = new Float64Array(1);
  const words = new Uint32Array(float.buffer);
  for (let i = 1; i < 2000; i++) {
    words[0] = Math.imul(i, 0x9e3779b1);
    words[1] = Math.imul(i, 0x85ebca77);
    if (!Number.isFinite(float[0]!)) continue;
    const line = formatMetricRecord({ arm: "a", phase: "p", step: 1, value: float[0]! });
    assertEquals(JSON.parse(line).value, float[0]!);
  }
});

Deno.test("formatMetricRecord() refuses NaN and infinity, naming metric, arm and step", () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    assertThrows(
      () => formatMetricRecord({ arm: "meta", phase: "train", step: 7, loss: 1, norm: value }),
      RangeError,
      `Cannot log metric "norm" of arm "meta", phase "train" at step 7: found ${value}`,
    );
  }
  for (const step of [-1, 0.5, NaN]) {
    assertThrows(
      () => formatMetricRecord({ arm: "a", phase: "p", step }),
      RangeError,
      `found ${step} for 'step', expected a whole number from 0`,
    );
  }
  assertThrows(
    () => formatMetricRecord({ arm: "a", phase: "p", step: 1, loss: "0.5" }),
    TypeError,
    'found "0.5", expected a number',
  );
});

Deno.test("readMetrics() drops a torn last line and names a broken one", () =>
  inFolder(async (folder) => {
    const path = `${folder}/m.jsonl`;
    const line = formatMetricRecord({ arm: "é", phase: "train", step: 1, loss: 2 });
    await Deno.writeTextFile(path, line + line + line.slice(0, 20));
    assertEquals(
      await readMetrics(path),
      Array(2).fill({ arm: "é", phase: "train", step: 1, loss: 2 }),
    );
    await Deno.writeTextFile(path, "");
    assertEquals(await readMetrics(path), []);
    await Deno.writeTextFile(path, `${line}{oops\n`);
    await assertRejects(() => readMetrics(path), SyntaxError, `${path}:2 is not JSON`);
    await Deno.writeTextFile(path, `{"arm":"a","phase":"p","step":1,"loss":null}\n`);
    await assertRejects(() => readMetrics(path), SyntaxError, `${path}:1 lacks`);
    await assertRejects(() => readMetrics(`${folder}/none`), Error, "no such file");
  }));

Deno.test("MetricsWriter.write() writes nothing of a record that it refuses", () =>
  inFolder(async (folder) => {
    using writer = MetricsWriter.open(`${folder}/m.jsonl`);
    writer.write({ arm: "a", phase: "p", step: 1, loss: 1 });
    const { offset } = writer;
    assertThrows(() => writer.write({ arm: "a", phase: "p", step: 2, loss: NaN }), RangeError);
    assertEquals(writer.sync().bytes, offset);
    assertEquals((await readMetrics(`${folder}/m.jsonl`)).length, 1);
  }));

Deno.test("MetricsLog.open() resumes to the same files as a run that never stopped", () =>
  inFolder(async (folder) => {
    const record = (log: MetricsLog, step: number) => {
      log.write({ arm: "meta", phase: "train", step, loss: 1 / step, accuracy: step / 10 });
      if (step > 3) log.write({ arm: "scratch", phase: "validation", step, loss: 2 / step });
    };
    const options = { now: () => 1_700_000_000_000 };
    for (const run of ["whole", "killed"]) await Deno.mkdir(`${folder}/${run}`);
    const whole = MetricsLog.open(`${folder}/whole`, options);
    for (let step = 1; step <= 6; step++) record(whole, step);
    whole.close();

    const killed = MetricsLog.open(`${folder}/killed`, options);
    for (let step = 1; step <= 3; step++) record(killed, step);
    const position = JSON.parse(JSON.stringify(killed.sync()));
    for (let step = 4; step <= 5; step++) record(killed, step);
    killed.close();
    await Deno.writeTextFile(`${folder}/killed/metrics.jsonl`, '{"arm":"me', { append: true });

    const resumed = MetricsLog.open(`${folder}/killed`, { ...options, resumeAt: position });
    for (let step = 4; step <= 6; step++) record(resumed, step);
    resumed.close();
    const files = [
      "metrics.jsonl",
      "tensorboard/meta/events.out.tfevents.0.run",
      "tensorboard/scratch/events.out.tfevents.0.run",
    ];
    for (const file of files) {
      const expected = await Deno.readFile(`${folder}/whole/${file}`);
      assertEquals(await Deno.readFile(`${folder}/killed/${file}`), expected, file);
    }
  }));

Deno.test("MetricsLog.open() begins again without a position and removes later arms", () =>
  inFolder(async (folder) => {
    const log = MetricsLog.open(folder);
    log.write({ arm: "meta", phase: "train", step: 1, loss: 1 });
    const position = log.sync();
    log.write({ arm: "late", phase: "train", step: 1, loss: 1 });
    log.close();
    MetricsLog.open(folder, { resumeAt: position }).close();
    assertEquals([...Deno.readDirSync(`${folder}/tensorboard`)].map((entry) => entry.name), [
      "meta",
    ]);
    MetricsLog.open(folder).close();
    assertEquals([...Deno.readDirSync(`${folder}/tensorboard`)], []);
    assertEquals(await readMetrics(`${folder}/metrics.jsonl`), []);
  }));

Deno.test("MetricsLog.write() refuses an arm that is no folder name before it writes", () =>
  inFolder(async (folder) => {
    using log = MetricsLog.open(folder);
    for (const arm of ["../x", "", "a/b", "."]) {
      assertThrows(() => log.write({ arm, phase: "p", step: 1, loss: 1 }), TypeError, "arm");
    }
    log.write({ arm: "ok", phase: "p", step: 1 });
    assertEquals(await readMetrics(`${folder}/metrics.jsonl`), [{
      arm: "ok",
      phase: "p",
      step: 1,
    }]);
  }));

/** Reads a TFRecord file and checks both checksums of every record. */
function readRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer);
  const records: Uint8Array[] = [];
  for (let offset = 0; offset < file.length;) {
    const length = Number(view.getBigUint64(offset, true));
    assertEquals(
      view.getUint32(offset + 8, true),
      maskCrc(crc32c(file.subarray(offset, offset + 8))),
    );
    const record = file.subarray(offset + 12, offset + 12 + length);
    assertEquals(view.getUint32(offset + 12 + length, true), maskCrc(crc32c(record)));
    records.push(record);
    offset += length + 16;
  }
  return records;
}

/** Reads one protocol buffer message: values by field number, without knowing the schema. */
function readMessage(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<number, (number | Uint8Array)[]>();
  let offset = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = bytes[offset++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (offset < bytes.length) {
    const tag = varint();
    let value: number | Uint8Array;
    if (tag % 8 === 0) value = varint();
    else if (tag % 8 === 1) value = view.getFloat64((offset += 8) - 8, true);
    else if (tag % 8 === 5) value = view.getFloat32((offset += 4) - 4, true);
    else {
      const length = varint();
      value = bytes.subarray(offset, offset += length);
    }
    fields.set(tag >> 3, [...fields.get(tag >> 3) ?? [], value]);
  }
  return fields;
}

Deno.test("TensorBoardWriter writes records that decode to the same scalars", () =>
  inFolder(async (folder) => {
    const path = `${folder}/events.out.tfevents.0.x`;
    using writer = TensorBoardWriter.open(path, { now: () => 1_700_000_000_500 });
    const steps = [0, 127, 128, 300, 2 ** 31, 2 ** 40 + 5];
    for (const step of steps) writer.write(step, { "train/loss": 0.25, "train/é": -1e-3 });
    const [version, ...events] = readRecords(await Deno.readFile(path)).map(readMessage);
    const text = (value: unknown) => new TextDecoder().decode(value as Uint8Array);
    assertEquals(text(version!.get(3)![0]), "brain.Event:2");
    assertEquals(events.map((event) => event.get(2)![0]), steps);
    for (const event of events) {
      assertEquals(event.get(1), [1_700_000_000.5]);
      const values = readMessage(event.get(5)![0] as Uint8Array).get(1)!
        .map((value) => readMessage(value as Uint8Array));
      assertEquals(values.map((value) => text(value.get(1)![0])), ["train/loss", "train/é"]);
      assertEquals(values.map((value) => value.get(2)![0]), [0.25, Math.fround(-1e-3)]);
    }
  }));

Deno.test("MetricsLog writes pictures that decode to the same bytes, among the scalars of an arm", () =>
  inFolder(async (folder) => {
    const log = MetricsLog.open(folder);
    const image = { png: Uint8Array.of(137, 80, 78, 71, 0, 255), width: 300, height: 2 };
    log.write({ arm: "meta", phase: "pretrain", step: 0, loss: 1 });
    log.writeImages({ arm: "meta", phase: "pretrain", step: 0 }, {
      rotation: image,
      jigsaw: image,
    });
    log.writeImages({ arm: "meta", phase: "pretrain", step: 1 }, {});
    const position = log.sync();
    log.writeImages({ arm: "meta", phase: "pretrain", step: 9 }, { rotation: image });
    assertThrows(
      () => log.writeImages({ arm: "meta", phase: "p", step: -1 }, { rotation: image }),
      RangeError,
      "event of step -1",
    );
    log.close();
    // What was drawn after the checkpoint is cut off like everything else.
    MetricsLog.open(folder, { resumeAt: position }).close();
    const path = `${folder}/tensorboard/meta/events.out.tfevents.0.run`;
    const [, , drawn, ...more] = readRecords(await Deno.readFile(path)).map(readMessage);
    assertEquals(more, []);
    assertEquals(drawn!.get(2), [0]);
    const values = readMessage(drawn!.get(5)![0] as Uint8Array).get(1)!
      .map((value) => readMessage(value as Uint8Array));
    const text = (value: unknown) => new TextDecoder().decode(value as Uint8Array);
    assertEquals(values.map((value) => text(value.get(1)![0])), [
      "pretrain/rotation",
      "pretrain/jigsaw",
    ]);
    for (const value of values) {
      // Height, width, RGB, bytes: fields 1 to 4 of Summary.Image, which is field 4 of a value.
      const fields = readMessage(value.get(4)![0] as Uint8Array);
      assertEquals([1, 2, 3].map((field) => fields.get(field)), [[2], [300], [3]]);
      assertEquals(fields.get(4), [image.png]);
    }
  }));

Deno.test("TensorBoardWriter refuses steps that are no natural numbers and writes nothing then", async () => {
  const folder = await Deno.makeTempDir();
  try {
    using writer = TensorBoardWriter.open(`${folder}/events.out.tfevents.0.run`);
    const { offset } = writer;
    for (const step of [-1, 1.5, 2 ** 53, NaN, Infinity]) {
      assertThrows(
        () => writer.write(step, { x: 1 }),
        RangeError,
        `event of step ${step}: expected a whole number from 0 to 2^53 - 1`,
      );
    }
    assertEquals(writer.offset, offset);
    writer.write(Number.MAX_SAFE_INTEGER, { x: 1 });
    writer.close();
    const bytes = await Deno.readFile(`${folder}/events.out.tfevents.0.run`);
    // Header 12, wall time 9, tag of the step 1, then 53 ones in groups of seven.
    const step = bytes.subarray(offset + 22, offset + 30);
    assertEquals([...step], [255, 255, 255, 255, 255, 255, 255, 15]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
