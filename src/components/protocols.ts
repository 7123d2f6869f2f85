/**
 * Protocols by name.
 *
 * @module
 */
import {
  adapted,
  adaptedTransductive,
  asIs,
  fineTune,
  knn,
  linearProbe,
  type Protocol,
} from "../train/mod.ts";
import { component, type Registry } from "./component.ts";

const all = [adapted, adaptedTransductive, asIs, fineTune, knn, linearProbe];

/** Every way to judge a backbone by its name. */
export const protocols: Registry<Protocol, object> = Object.fromEntries(
  all.map((protocol) => [protocol.name, component(protocol.summary, {}, () => protocol)]),
);
