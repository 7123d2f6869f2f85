/// <reference lib="dom" />
/**
 * A square to draw on with a mouse, a finger or a pen.
 *
 * @module
 */
import { type Picture, SIZE } from "./messages.ts";

/** Pixels of a side: a whole number for each of the network's. */
const PIXELS = SIZE * 10;

/** A square to draw on. */
export class Board {
  /** What goes into the page. */
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #changed: () => void;
  #inked = false;

  /** Makes an empty board; `label` names it for those who cannot see it. */
  constructor(label: string, changed: () => void) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = PIXELS;
    this.canvas.setAttribute("role", "img");
    this.#changed = changed;
    this.#context = this.canvas.getContext("2d", { willReadFrequently: true })!;
    this.canvas.dataset["label"] = label;
    this.clear();
    const at = ({ offsetX, offsetY }: PointerEvent): [number, number] => [
      offsetX / this.canvas.clientWidth * PIXELS,
      offsetY / this.canvas.clientHeight * PIXELS,
    ];
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.#context.beginPath();
      this.#context.moveTo(...at(event));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 0) return;
      this.#context.lineTo(...at(event));
      this.#context.stroke();
      this.#ink(true);
    });
  }

  /** Whether something is drawn. */
  get inked(): boolean {
    return this.#inked;
  }

  /** Takes all away. */
  clear(): void {
    const context = this.#context;
    context.fillStyle = "white";
    context.fillRect(0, 0, PIXELS, PIXELS);
    context.lineWidth = PIXELS * 0.07;
    context.lineCap = context.lineJoin = "round";
    this.#ink(false);
  }

  /** Shows a picture instead of what is drawn. */
  show(picture: Picture): void {
    this.clear();
    const cell = PIXELS / SIZE;
    picture.forEach((ink, k) => {
      this.#context.fillStyle = `rgb(0 0 0 / ${ink})`;
      this.#context.fillRect(k % SIZE * cell, Math.floor(k / SIZE) * cell, cell, cell);
    });
    this.#ink(true);
  }

  /** What is drawn, at the size of the network's pictures. */
  picture(): Picture {
    const cell = PIXELS / SIZE;
    const { data } = this.#context.getImageData(0, 0, PIXELS, PIXELS);
    const picture = new Float32Array(SIZE * SIZE);
    for (let k = 0; k < PIXELS * PIXELS; k++) {
      const [row, column] = [Math.floor(k / PIXELS), k % PIXELS];
      const at = Math.floor(row / cell) * SIZE + Math.floor(column / cell);
      picture[at]! += (1 - data[4 * k]! / 255) / (cell * cell);
    }
    return picture;
  }

  #ink(inked: boolean): void {
    this.#inked = inked;
    const label = this.canvas.dataset["label"]!;
    this.canvas.setAttribute("aria-label", `${label}, ${inked ? "drawn" : "empty"}`);
    this.#changed();
  }
}
