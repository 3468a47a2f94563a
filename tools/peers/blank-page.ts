import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface BlankPage {
  /** `http://127.0.0.1:…`: an empty page, a secure context. */
  readonly origin: string
  close(): void
}

/** Serves the page from which a browser under test starts. */
export async function serveBlankPage(): Promise<BlankPage> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><meta charset="utf-8"><title>Kaon</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
