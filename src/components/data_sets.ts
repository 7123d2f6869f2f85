import {
  dataSummaries,
  type ImageSplits,
  type ImageSplitsOptions,
  loadImageSplits,
} from "../data/mod.ts";
import { component, type Registry } from "./component.ts";

/** How a data set is loaded besides its name. */
export type DataSetting = Omit<ImageSplitsOptions, "data">;

/** Every data set by its name, as after `--data`; a folder of images has no name. */
export const dataSets: Registry<Promise<ImageSplits>, DataSetting> = Object.fromEntries(
  Object.entries(dataSummaries()).map(([name, summary]) => [
    name,
    component(
      `${summary}.`,
      {},
      (_, options: DataSetting) => loadImageSplits({ ...options, data: name }),
    ),
  ]),
);
