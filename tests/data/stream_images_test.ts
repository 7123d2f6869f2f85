import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChecksumError, type StreamBatch, streamImages } from "../../src/data/mod.ts";
import { sha256, withFolder } from "./fixtures.ts";
import { NAMES, numberOf, shard } from "./hub_fixtures.ts";

/** Writes shards of 7, 8, 9 ... rows that count on from each other. */
async function withShards(
  count: number,
  test: (paths: string[], rows: number) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const paths: string[] = [];
    let rows = 0;
    for (let index = 0; index < count; index++) {
      paths.push(`${folder}/train-0000${index}-of-0000${count}.parquet`);
      await Deno.writeFile(paths[index]!, shard(rows, 7 + index));
      rows += 7 + index;
    }
    await test(paths, rows);
  });
}

const numbers = ({ images, labels }: StreamBatch) =>
  Array.from(labels, (label, index) => {
    const number = numberOf(images.subarray(index * 48, (index + 1) * 48));
    assertEquals(label, number % 3, `label of ${number}`);
    return number;
  });

Deno.test("streamImages() gives every image once an epoch, in an order of the seed", async () => {
  await withShards(3, async (paths, rows) => {
    const epochs = async (options = {}) => {
      const orders = new Map<number, number[]>();
      const stream = streamImages({
        ...{ paths, batchSize: 4, seed: 1, epochs: 2, shuffle: 6, lanes: 2, ...options },
      });
      for await (const batch of stream) {
        assertEquals([batch.height, batch.width, batch.classNames], [4, 4, NAMES]);
        const order = orders.get(batch.epoch) ?? [];
        assertEquals(batch.index, order.length / 4);
        orders.set(batch.epoch, [...order, ...numbers(batch)]);
      }
      return orders;
    };
    const orders = await epochs();
    assertEquals([...orders.keys()], [0, 1]);
    for (const order of orders.values()) {
      assertEquals([order.length, new Set(order).size], [rows, rows]);
    }
    assert(JSON.stringify(orders.get(0)) !== JSON.stringify(orders.get(1)));
    // The same again, and from the second epoch on: a stopped run goes on with the same batches.
    assertEquals(await epochs({ firstEpoch: 1, epochs: 1 }), new Map([[1, orders.get(1)!]]));
    const other = await epochs({ seed: 2, epochs: 1 });
    assert(JSON.stringify(other.get(0)) !== JSON.stringify(orders.get(0)));
    // One lane and no pool: the order of the files; what fills no batch is left out.
    const stream = streamImages({ paths, batchSize: 5, seed: 0, shuffle: 1, lanes: 1, epochs: 1 });
    const order = (await Array.fromAsync(stream)).flatMap(numbers);
    assertEquals(order, Array.from({ length: 20 }, (_, index) => index));
  });
});

Deno.test("streamImages() compares hashes, resizes, and ends its workers when nobody asks on", async () => {
  await withShards(2, async (paths) => {
    const hashes = await Promise.all(paths.map(async (path) => sha256(await Deno.readFile(path))));
    const options = { paths, batchSize: 3, seed: 0, sha256: hashes };
    for await (const batch of streamImages({ ...options, size: 2, channels: 1 })) {
      assertEquals([batch.height, batch.images.length], [2, 12]);
      assert(batch.waited >= 0);
      break;
    }
    const wrong = streamImages({ ...options, sha256: hashes.toReversed() });
    await assertRejects(() => wrong.next(), ChecksumError, "found SHA-256");
    const damaged = await Deno.readFile(paths[1]!);
    damaged[100]! ^= 8;
    await Deno.writeFile(paths[1]!, damaged);
    await assertRejects(
      () => Array.fromAsync(streamImages({ paths, batchSize: 3, seed: 0, epochs: 1 })),
      Error,
      `row 0 of ${paths[1]}`,
    );
  });
});

Deno.test("streamImages() refuses numbers that make no sense and too much memory", async () => {
  await withShards(1, async (paths) => {
    const refuse = (options: object, message: string) =>
      assertRejects(
        () => streamImages({ paths, batchSize: 2, seed: 0, ...options }).next(),
        RangeError,
        message,
      );
    await refuse({ batchSize: 0 }, "batchSize 0");
    await refuse({ shuffle: 1.5 }, "shuffle 1.5");
    await refuse({ lanes: 0 }, "lanes 0");
    await refuse({ sha256: [] }, "0 hashes for 1 shards");
    await refuse({ batchSize: 8 }, "an epoch has fewer");
    await refuse({ shuffle: 10, mostBytes: 479 }, "480 bytes, expected at most 479");
  });
});
