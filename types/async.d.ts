// What a driver may use beyond a core: cancellation and microtasks. Timers, clocks and sockets come from `Network`.

declare class AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

declare function queueMicrotask(callback: () => void): void
