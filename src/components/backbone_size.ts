/**
 * How large a backbone is.
 *
 * @module
 */
import { programFlops } from "../ir/program.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type Initial, linear, sequential } from "../nn/mod.ts";
import { trace } from "../transform/mod.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import { backbones, type BackboneSetting } from "./backbones.ts";
import { makeOne } from "./component.ts";

/** Figures of a backbone. */
export interface BackboneSize {
  /** Length of an embedding. */
  readonly embedding: number;
  /** Numbers that are learned. */
  readonly parameters: number;
  /** Floating-point operations for one image, in evaluation; a multiply-add counts 2. */
  readonly flops: number;
}

/**
 * Counts parameters and operations of a backbone, from its program: nothing is computed.
 *
 * @param name Its name.
 * @param options Its options, without those that keep their defaults.
 * @param setting The images, and with how many classes a linear layer follows; 0 for none.
 * @returns The figures.
 * @throws {RangeError} If there is no such backbone, or it does not take such images.
 */
export function backboneSize(
  name: string,
  options: Readonly<Record<string, unknown>>,
  { classes, ...setting }: BackboneSetting & { readonly classes: number },
): BackboneSize {
  const { layer, embedding } = makeOne(backbones, { [name]: options }, setting);
  const model = classes === 0
    ? layer
    : sequential({ layer, output: linear({ inputs: embedding, outputs: classes }) });
  const { imageSize, imageChannels } = setting;
  let parameters = 0;
  const init = trace((key: Tensor): Initial => {
    const initial = model.init(key);
    parameters = flatten<Tensor>(initial.params).leaves.reduce((sum, { size }) => sum + size, 0);
    return initial;
  }, [{ shape: [2], dtype: "u32" }]);
  const avals = init.program.outputs.map(({ shape, dtype }) => ({ shape, dtype }));
  const { program } = trace(
    ({ params, state }: Initial, images: Tensor) =>
      model.apply(params, state, images, { training: false }).output,
    [
      unflatten(init.outputs, avals),
      { shape: [1, imageSize, imageSize, imageChannels], dtype: "f32" },
    ],
  );
  return { embedding, parameters, flops: programFlops(program) };
}

/**
 * The figures of a backbone in a line, as a command line asks for them.
 *
 * @param name Its name.
 * @param settings Options as `depth=50`, images as `--image=224` and `--channels=1` (default 32 and 3), a
 *   linear layer behind as `--classes=1000` (default none).
 * @returns The text.
 * @throws {RangeError} If a setting has another form, or there is no such backbone.
 */
export function sizeText(name: string, settings: readonly string[]): string {
  const given = { "--image": 32, "--channels": 3, "--classes": 0 };
  const options: Record<string, unknown> = {};
  for (const setting of settings) {
    const [, key, value] = /^([\w-]+)=(.+)$/.exec(setting) ?? [];
    const count = /^\d+$/.test(value ?? "") ? Number(value) : undefined;
    if (key === undefined || (key.startsWith("--") && !(key in given && count !== undefined))) {
      throw new RangeError(
        `Cannot read "${setting}": expected an option as depth=50, or ${
          Object.keys(given).join(", ")
        } with a whole number.`,
      );
    }
    if (key in given) given[key as keyof typeof given] = count!;
    else options[key] = jsonOr(value!);
  }
  const [imageSize, imageChannels, classes] = Object.values(given) as [number, number, number];
  const size = backboneSize(name, options, { imageSize, imageChannels, classes });
  const head = classes === 0 ? "" : ` and ${classes} classes`;
  return `  For images of ${imageSize} x ${imageSize} x ${imageChannels}${head}: ` +
    `${size.parameters.toLocaleString("en")} parameters, ${amount(size.flops)}FLOPs for an image ` +
    `(a multiply-add counts 2), embeddings of length ${size.embedding}.`;
}

/** `[32, 64]`, `2`, `true`; anything else is text. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function amount(count: number): string {
  const step = count >= 1e9 ? 1e9 : 1e6;
  return `${(count / step).toPrecision(3)} ${step === 1e9 ? "G" : "M"}`;
}
