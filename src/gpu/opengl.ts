/**
 * Telling WebGPU on OpenGL from WebGPU on a real driver.
 *
 * @module
 */

/**
 * Whether an adapter is OpenGL behind WebGPU, which is not to be trusted.
 *
 * Deno falls back to OpenGL where there is no Vulkan driver but a libEGL, and does not say so. OpenGL
 * knows neither the id of its device nor the size of its subgroups, so wgpu fills in device 0 and the
 * widest range of lanes that there is, 4 to 128 (wgpu-hal, `gles/adapter.rs`, `make_info`): together no
 * other adapter says that. Browsers leave the device empty.
 *
 * Seen with Deno 2.9.6 and Mesa 22.3: processes that ask for such an adapter from several threads end
 * with "double free or corruption", three of thirty that did nothing else among them. Deno asks OpenGL
 * also where a Vulkan driver is taken in the end: two of forty processes with four such workers ended
 * with "corrupted size vs. prev_size" when glibc freed the memory of a thread, none of thirty that were
 * started with `DENO_WEBGPU_BACKEND=vulkan,metal,dx12`, which leaves OpenGL out.
 *
 * @param info The `info` of a `GPUAdapter`
 * @returns Whether it is
 */
export function isOpenGl(info: Partial<GPUAdapterInfo>): boolean {
  return info.device === "0" && info.subgroupMinSize === 4 && info.subgroupMaxSize === 128;
}
