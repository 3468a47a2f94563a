import { expect } from 'vitest'

/** What keeps this process alive and could be ours: sockets, timers, tasks. */
export function resources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(timeout|immediate|udp|tcp)/i.test(name))
}

/** Waits a moment for what closes asynchronously, and for the test runner's own timers, which come and go. */
export async function expectNoLeak(before: string[]): Promise<void> {
  const leaked = (): string[] => {
    const rest = [...before]
    return resources().filter((name) => {
      const at = rest.indexOf(name)
      if (at >= 0) rest.splice(at, 1)
      return at < 0
    })
  }
  // The polling itself has a timer of its own.
  await expect.poll(() => leaked().filter((name) => name !== 'Timeout'), { timeout: 2000, interval: 5 }).toEqual([])
  for (let i = 0; i < 200 && leaked().length > 0; i++) await new Promise((resolve) => setImmediate(resolve))
  expect(leaked()).toEqual([])
}
