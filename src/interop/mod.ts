/** TensorFlow.js beside the engines: one device, tensors across, its models as starts. @module */
export { type SharedTf, shareTf } from "./share_tf.ts";
export { fromLayersModel, type HostParams, type ModelLayer } from "./layers_model.ts";
