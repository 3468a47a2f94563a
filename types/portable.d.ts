// What a protocol core may use of the platform beyond ECMAScript: pure text transcoding and the platform's random
// source, both present in Node, browsers, Deno and Bun. Clocks, timers, sockets and `console` stay invisible on purpose.

declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>
  encodeInto(input: string, destination: Uint8Array): { read: number; written: number }
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(input?: ArrayBufferView | ArrayBuffer): string
}

declare const crypto: { getRandomValues<T extends ArrayBufferView>(array: T): T }
