/** The well-known symbols of explicit resource management, which Node has and TypeScript's ES2023 library has not. */
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol
    readonly asyncDispose: unique symbol
  }
}

export {}
