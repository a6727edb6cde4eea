// What PGlite's types name and Node's do not. The DOM's library has it, and would let our code
// name `window` and `document` too.
declare namespace WebAssembly {
  interface Instance {
    readonly exports: object;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  type Imports = object;
  type Exports = object;
}
type IDBDatabase = object;
type WebGLRenderingContext = object;
