import type { DrivenPage, PageCall } from './browser-peer.ts'

/** The page's object as the test has it: every method answers later. */
export type InPage<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never
}

/** A proxy whose methods run in the page: those of `window[name]`. `install` puts it there; it travels as source text. */
export async function installInPage<T extends object>(
  page: DrivenPage,
  name: string,
  install: () => void,
): Promise<InPage<T>> {
  await page.evaluate(install, ['install', []])
  return new Proxy({} as InPage<T>, {
    get: (_target, method: string) =>
      method === 'then'
        ? undefined
        : (...args: unknown[]) =>
            page.evaluate(
              ([called, [object, ...values]]: PageCall) =>
                (window as unknown as Record<string, Record<string, (...all: unknown[]) => unknown>>)[
                  object as string
                ]![called]!(...values),
              [method, [name, ...args]],
            ),
  })
}
