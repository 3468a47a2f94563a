import { decodeBase64 } from '../base64.ts'

/** As much of the WebAssembly JavaScript interface as is used; it is no part of the language, and may be missing or forbidden. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/**
 * Compiles and starts a module that imports nothing. Undefined where that cannot be: no WebAssembly, no SIMD, a content security policy
 * without `wasm-unsafe-eval`, a limit on synchronous compilation.
 */
export function instantiate<Exports>(base64: string): Exports | undefined {
  const api = (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
  if (api === undefined) return undefined
  try {
    return new api.Instance(new api.Module(decodeBase64(base64)!)).exports as Exports
  } catch {
    return undefined
  }
}
