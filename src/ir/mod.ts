/** Tensor programs: what they are, how they are printed, checked and evaluated. @module */
export type { Aval, DType, Shape } from "./aval.ts";
export type { Atom, Index } from "./index_expression.ts";
export { formatAval } from "./aval.ts";
export { sameAval, sameShape, sizeOf, unflatten } from "./checked.ts";
export { check } from "./check.ts";
export { evaluate } from "./evaluate.ts";
export { type HostArray, hostArray, type HostData } from "./host_array.ts";
export { type NdArray, ndArray, type NdData } from "./nd_array.ts";
export { print } from "./print.ts";
export { countPrimitives, type Program, programFlops } from "./program.ts";
export { apply, applyAll, Node, Tensor } from "./tensor.ts";
export {
  type Batched,
  definePrimitive,
  type Emitter,
  type Linear,
  type Lowering,
  type Primitive,
  type SingleRules,
} from "./primitive.ts";
export type { AdapterCosts } from "./adapter_costs.ts";
export type {
  BufferSlot,
  CodedKernelCall,
  DeviceTraits,
  FurtherVariants,
  HostNode,
  HostStep,
  KernelCall,
  KernelLayout,
  KernelLowering,
  KernelSet,
  KernelShape,
  KernelVariant,
  VariantCall,
} from "./lowering.ts";
