// Promises settle in microtasks, and only a macrotask is sure to come after the last of them, however long the chain.
// The functions are looked up once, so that fake timers of a test runner, installed later, do not stop the network.

interface MacrotaskGlobals {
  setImmediate?: (callback: () => void) => unknown
  MessageChannel?: new () => { port1: { onmessage: (() => void) | null }; port2: { postMessage(value: unknown): void } }
  setTimeout?: (callback: () => void, delay: number) => unknown
}

const globals = globalThis as unknown as MacrotaskGlobals
const immediate = globals.setImmediate
const Channel = globals.MessageChannel
const timeout = globals.setTimeout

/** Resolves when every promise reaction that needs no outside event has run. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    if (immediate !== undefined) {
      immediate(resolve)
    } else if (Channel !== undefined) {
      const channel = new Channel()
      channel.port1.onmessage = (): void => {
        channel.port1.onmessage = null
        resolve()
      }
      channel.port2.postMessage(undefined)
    } else if (timeout !== undefined) {
      timeout(resolve, 0)
    } else {
      resolve()
    }
  })
}
