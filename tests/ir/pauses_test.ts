import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pauses } from "../../src/ir/pauses.ts";

/** Keeps the thread busy in small steps. */
function* busy(milliseconds: number): Generator<void, string> {
  const began = performance.now();
  while (performance.now() - began < milliseconds) yield;
  return "done";
}

Deno.test("Pauses.work() gives the event loop a turn every 200 ms, and no more often", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    assertEquals(await new Pauses().work(busy(100)), "done");
    assertEquals(turns, 0);
    assertEquals(await new Pauses().work(busy(1000)), "done");
  } finally {
    clearInterval(timer);
  }
  assert(turns >= 2 && turns <= 5, `${turns} turns`);
});

Deno.test("Pauses.work() ends at a pause with the reason of its signal", async () => {
  const reason = new DOMException("stop", "AbortError");
  const stopped = AbortSignal.abort(reason);
  assertEquals(await new Pauses(stopped).work(busy(10)), "done");
  const began = performance.now();
  const error = await assertRejects(() => new Pauses(stopped).work(busy(20_000)), DOMException);
  assertEquals(error, reason);
  assert(performance.now() - began < 5000);
});

Deno.test({
  name: "Pauses.work() lets signals of the system through at the first or second pause",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const heard = new AbortController();
    const listener = () => heard.abort(new DOMException("heard", "AbortError"));
    Deno.addSignalListener("SIGUSR2", listener);
    let pauses = 0;
    class Counted extends Pauses {
      override take(): Promise<void> {
        pauses++;
        return super.take();
      }
    }
    try {
      Deno.kill(Deno.pid, "SIGUSR2");
      await assertRejects(() => new Counted(heard.signal).work(busy(20_000)), DOMException);
    } finally {
      Deno.removeSignalListener("SIGUSR2", listener);
    }
    assert(pauses <= 3, `${pauses} pauses`);
  },
});
