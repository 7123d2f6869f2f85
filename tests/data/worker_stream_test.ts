import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChecksumError } from "../../src/data/mod.ts";
import { streamFromWorker } from "../../src/data/worker_stream.ts";

/** A worker whose answer to message `n` is made by `answer`, the body of a function of `n`, `port`. */
const worker = (answer: string) =>
  new URL(`data:text/javascript,${
    encodeURIComponent(`
      addEventListener("message", ({ data: job, ports: [port] }) => {
        let n = 0;
        port.onmessage = () => { ((n) => { ${answer} })(n++); };
      }, { once: true });
    `)
  }`);
const options = { job: 3, what: "count", patience: 20_000, ahead: 2 };
const stream = (answer: string, patience = 20_000) =>
  Array.fromAsync(streamFromWorker(worker(answer), { ...options, patience }));

Deno.test("streamFromWorker() gives the items of a worker in order", async () => {
  const items = await stream("port.postMessage(n < job ? { item: n * n } : { done: true })");
  assertEquals(items, [0, 1, 4]);
});

Deno.test("streamFromWorker() lets the worker run ahead by so many items and no more", async () => {
  // Every answer comes late and tells how many were asked for by then.
  const late = "port.asked = n + 1; setTimeout(() => port.postMessage({ item: port.asked }), 200)";
  for (const ahead of [1, 3]) {
    const items = streamFromWorker(worker(late), { ...options, ahead });
    assertEquals((await items.next()).value, ahead);
    await items.return(undefined);
  }
});

Deno.test("streamFromWorker() ends a worker that hangs", async () => {
  const started = performance.now();
  const hang = "if (n === 1) for (;;); port.postMessage({ item: n })";
  await assertRejects(() => stream(hang, 1500), Error, "Cannot count: no progress within 1500 ms");
  assert(performance.now() - started < 20_000);
});

Deno.test("streamFromWorker() throws what the worker threw, by its class", async () => {
  const fail = (name: string) =>
    stream(`port.postMessage({ error: { name: "${name}", message: "so it is" } })`);
  await assertRejects(() => fail("ChecksumError"), ChecksumError, "so it is");
  await assertRejects(() => fail("RangeError"), RangeError, "so it is");
  await assertRejects(() => stream("throw new Error('oh')"), Error, "oh");
  const none = new URL("./data_no_such_worker.ts", import.meta.url);
  await assertRejects(
    () => Array.fromAsync(streamFromWorker(none, options)),
    Error,
    // Deno names the file only where it does not check types.
    "Cannot count",
  );
});
