/**
 * The worker's work: draws tasks, trains while it is asked to, adapts to what the visitor has drawn.
 *
 * @module
 */
import { decodeOnPlatform, type Engine, hostArray, HostRandom } from "@mutasesumele/toolkit";
import { Learner, type Pictures } from "./learner.ts";
import { type Picture, type Reply, type Request, SHOTS, SIZE, WAYS } from "./messages.ts";
import { type Draw, pictureSign, randomSign } from "./signs.ts";

/** Tasks of a step, and pictures of a class that the adapted weights are judged by. */
const [TASKS, QUERIES] = [4, 2];

/** The worker's end of the wire. */
interface Wire {
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(reply: Reply): void;
}

/** Serves one page with an engine. */
export async function teach(wire: Wire, open: () => Promise<Engine>): Promise<void> {
  const fail = (error: unknown): void =>
    wire.postMessage({
      kind: "failed",
      message: error instanceof Error ? error.message : String(error),
    });
  try {
    const engine = await open();
    const learner = await Learner.open(engine);
    const random = new HostRandom([1]);
    const signs: Draw[] = Array.from({ length: 50 }, () => randomSign(random));
    let [training, step] = [false, 0];
    /** One after the other: training gives way between steps. */
    let last: Promise<void> = Promise.resolve();
    const enqueue = (work: () => Promise<void>): void => void (last = last.then(work).catch(fail));
    const train = async (): Promise<void> => {
      if (!training) return;
      const start = performance.now();
      const { support, query } = drawTasks(signs, random);
      const { loss, accuracy } = await learner.step(support, query);
      const milliseconds = performance.now() - start;
      wire.postMessage({ kind: "step", step: ++step, loss, accuracy, milliseconds });
      enqueue(train);
    };
    const add = async (files: readonly File[]): Promise<void> => {
      const refused: string[] = [];
      for (const file of files) {
        try {
          signs.push(pictureSign(await decodeOnPlatform(file)));
        } catch (error) {
          refused.push(`${file.name}: ${(error as Error).message}`);
        }
      }
      wire.postMessage({ kind: "added", classes: signs.length, refused });
    };
    wire.onmessage = ({ data }) => {
      if (data.kind === "add") enqueue(() => add(data.files));
      else if (data.kind === "adapt") {
        enqueue(async () => {
          const support = data.support.flat();
          const labels = data.support.flatMap((pictures, label) => pictures.map(() => label));
          // Batch normalization sees the pictures that were learned from beside the one to tell.
          const query = picturesOf([[...support, data.query]], [[...labels, 0]]);
          const result = await learner.adapt(picturesOf([support], [labels]), query);
          wire.postMessage({ kind: "adapted", ...result });
        });
      } else {
        const begins = data.on && !training;
        training = data.on;
        if (begins) enqueue(train);
      }
    };
    const { info: { name, adapter }, reason } = engine;
    wire.postMessage({ kind: "ready", engine: `${name} on ${adapter}`, reason });
  } catch (error) {
    fail(error);
  }
}

/** Tasks of different signs each. */
function drawTasks(signs: readonly Draw[], random: HostRandom): {
  readonly support: Pictures;
  readonly query: Pictures;
} {
  const order = Int32Array.from(signs, (_, k) => k);
  const tasks = Array.from({ length: TASKS }, () => [...random.shuffle(order).slice(0, WAYS)]);
  const draw = (count: number): Pictures => {
    const labels = tasks.map((task) => task.flatMap((_, label) => Array(count).fill(label)));
    return picturesOf(
      tasks.map((task) =>
        task.flatMap((sign) => Array.from({ length: count }, () => signs[sign]!(random)))
      ),
      labels,
    );
  };
  return { support: draw(SHOTS), query: draw(QUERIES) };
}

function picturesOf(
  tasks: readonly (readonly Picture[])[],
  labels: readonly (readonly number[])[],
): Pictures {
  const [count, each] = [tasks.length, tasks[0]!.length];
  const images = new Float32Array(count * each * SIZE * SIZE);
  tasks.flat().forEach((picture, k) => images.set(picture, k * SIZE * SIZE));
  return {
    images: hostArray(images, [count, each, SIZE, SIZE, 1]),
    labels: hostArray(labels.flat(), [count, each], "i32"),
  };
}
