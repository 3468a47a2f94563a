#!/usr/bin/env node
import process from 'node:process'
import { main } from './main.ts'

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())

// Not process.exit: what was printed into a pipe must get out first.
process.exitCode = await main(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  signal: stop.signal,
  onreload: (callback) => process.on('SIGHUP', callback),
  env: process.env,
})
