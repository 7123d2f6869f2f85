/** TensorFlow.js beside the engines: one device, tensors across, its models as starts. @module */
export { type SharedTf, shareTf } from "./share_tf.ts";
