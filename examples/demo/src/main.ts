#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { connectTwoPeers } from './peer-to-peer.ts'
import { describePeerToPeer } from './print.ts'
import { DemoServer } from './server.ts'

const usage = `Usage: npm start -- [options]

Connects two Kaon peers to each other and says how long each phase took and what they
carried, data and video; then serves a page that connects your browser to this process.

  --once             only the two peers, then exit: 0 when they connected, 1 when not
  --megabytes N      what the two peers carry (default 50)
  --port N           port of the web server (default 8080; 0 takes any)
  --host ADDRESS     where it listens (default localhost)
  -h, --help         this text`

function numeric(value: string, name: string, max: number): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 0 || number > max)
    throw new TypeError(`--${name} takes a whole number from 0 to ${max}, not “${value}”`)
  return number
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      megabytes: { type: 'string', default: '50' },
      port: { type: 'string', default: process.env.PORT ?? '8080' },
      host: { type: 'string', default: 'localhost' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return
  }
  const port = numeric(values.port, 'port', 65_535)
  const bytes = numeric(values.megabytes, 'megabytes', 100_000) * 1e6

  const server = values.once ? undefined : new DemoServer()
  if (server !== undefined) {
    const taken = await server.listen(port, values.host)
    console.log(`The page is at http://${values.host}:${taken}\n`)
  }
  console.log(describePeerToPeer(await connectTwoPeers(bytes)))
  if (server === undefined) return
  console.log('\nServing the page until Ctrl-C.')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
}

main().catch((error: unknown) => {
  const code = (error as { code?: string }).code
  if (code === 'EADDRINUSE') console.error('That port is taken: choose another with --port.')
  else if (code?.startsWith('ERR_PARSE_ARGS') || error instanceof TypeError)
    console.error(`${(error as Error).message}\n\n${usage}`)
  else console.error(error)
  process.exit(1)
})
