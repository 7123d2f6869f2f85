/// <reference lib="dom" />
/**
 * The page: shows what the worker does, and sends it what the visitor draws and drops.
 *
 * @module
 */
import { HostRandom } from "@mutasesumele/toolkit";
import { Board } from "./board.ts";
import { type Reply, type Request, SHOTS, WAYS } from "./messages.ts";
import { randomSign } from "./signs.ts";

const element = <T extends Element>(id: string): T => document.getElementById(id) as unknown as T;
const text = (id: string, content: string): void => {
  element<HTMLElement>(id).textContent = content;
};
const [trainButton, tellButton] = [
  element<HTMLButtonElement>("train"),
  element<HTMLButtonElement>("tell"),
];

/** The worker for what the browser has; `?engine=webgpu|wasm|reference` in the address goes first. */
async function startWorker(): Promise<Worker> {
  const asked = new URLSearchParams(location.search).get("engine");
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  const has = async (): Promise<boolean> => await gpu?.requestAdapter() != null;
  const light = asked === "reference" || asked === "webgpu" || (asked !== "wasm" && await has());
  const script = light ? `worker.js${asked ? `?engine=${asked}` : ""}` : "worker_wasm.js";
  return new Worker(script, { type: "module" });
}

const worker = await startWorker();
const send = (request: Request): void => worker.postMessage(request);

let ready = false;
const labels = Array.from({ length: WAYS }, (_, k) => String.fromCharCode(65 + k));
const boards = labels.map((label) =>
  Array.from({ length: SHOTS }, (_, k) => new Board(`Sign ${label}, drawing ${k + 1}`, refresh))
);
const last = new Board("The drawing to tell", refresh);

function refresh(): void {
  // Called by the first boards before there is a last one.
  const all = ready && [...boards.flat(), last].every(({ inked }) => inked);
  tellButton.disabled = !all;
}

function group(legend: string, members: readonly Board[]): HTMLFieldSetElement {
  const set = document.createElement("fieldset");
  const title = document.createElement("legend");
  title.textContent = legend;
  set.append(title, ...members.map(({ canvas }) => canvas));
  return set;
}
element<HTMLElement>("boards").append(
  ...labels.map((label, k) => group(`Sign ${label}`, boards[k]!)),
  group("Which sign is this?", [last]),
);

const losses: number[] = [];
const accuracies: number[] = [];
const times: number[] = [];
const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function showStep({ step, loss, accuracy, milliseconds }: Reply & { kind: "step" }): void {
  losses.push(loss);
  accuracies.push(accuracy);
  if (step > 1) times.push(milliseconds); // the first one compiles
  text("step", String(step));
  text("loss", average(losses.slice(-20)).toFixed(3));
  text("accuracy", `${(100 * average(accuracies.slice(-20))).toFixed(0)} %`);
  if (times.length > 0) text("time", `${average(times.slice(-20)).toFixed(0)} ms`);
  const most = Math.max(...losses);
  const points = losses.map((value, k) =>
    `${(300 * k / Math.max(1, losses.length - 1)).toFixed(1)},${
      (98 - 96 * value / most).toFixed(1)
    }`
  );
  element("line").setAttribute("points", points.join(" "));
  text(
    "curve-title",
    `Loss by step: ${losses[0]!.toFixed(2)} at first, now ${loss.toFixed(2)}.`,
  );
}

function showChances({ before, after }: Reply & { kind: "adapted" }): void {
  for (const [id, chances] of [["before", before], ["after", after]] as const) {
    const cells = element(id).querySelectorAll("td");
    chances.forEach((chance, k) => cells[k]!.textContent = `${(100 * chance).toFixed(0)} %`);
  }
  const best = after.indexOf(Math.max(...after));
  text(
    "answer",
    `The last drawing is sign ${labels[best]}, by ${(100 * after[best]!).toFixed(0)} %.`,
  );
}

worker.onmessage = ({ data }: { readonly data: Reply }) => {
  if (data.kind === "ready") {
    ready = true;
    text("engine", `Engine: ${data.engine} (${data.reason}).`);
    trainButton.disabled = false;
    refresh();
  } else if (data.kind === "step") showStep(data);
  else if (data.kind === "adapted") showChances(data);
  else if (data.kind === "added") {
    const refused = data.refused.length === 0 ? "" : ` Refused: ${data.refused.join("; ")}`;
    text("added", `${data.classes} signs to train on.${refused}`);
  } else text("engine", `It does not work here: ${data.message}`);
};
worker.onerror = ({ message }) => text("engine", `It does not work here: ${message}`);

let training = false;
trainButton.onclick = () => {
  training = !training;
  trainButton.textContent = training ? "Pause" : "Train";
  send({ kind: "train", on: training });
};

tellButton.onclick = () => {
  text("answer", "Learning.");
  const support = boards.map((shots) => shots.map((board) => board.picture()));
  send({ kind: "adapt", support, query: last.picture() });
};

element<HTMLButtonElement>("clear").onclick = () => {
  for (const board of [...boards.flat(), last]) board.clear();
};

element<HTMLButtonElement>("example").onclick = () => {
  const random = new HostRandom([Math.floor(Math.random() * 2 ** 32)]);
  const signs = labels.map(() => randomSign(random));
  boards.forEach((shots, k) => shots.forEach((board) => board.show(signs[k]!(random))));
  last.show(signs[random.integer(WAYS)]!(random));
};

const files = element<HTMLInputElement>("files");
const add = (list: FileList | null | undefined): void => {
  if (list && list.length > 0) send({ kind: "add", files: [...list] });
};
files.onchange = () => add(files.files);
const drop = element<HTMLElement>("drop");
drop.ondragover = (event) => {
  event.preventDefault();
  drop.classList.add("over");
};
drop.ondragleave = () => drop.classList.remove("over");
drop.ondrop = (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  add(event.dataTransfer?.files);
};
