// `npm run nat-matrix`: every network with every other and every kind of help, as tables: on the virtual network, Kaon with Kaon,
// and with the kernel's NATs, Chromium with Kaon.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { peers } from '../peers/catalogue.mjs'

const usage = `Usage: npm run nat-matrix -- [options]

  --only WHAT       virtual or kernel (default both)
  --offerer WHO     of the kernel's: chromium or kaon (default chromium)`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    offerer: { type: 'string', default: 'chromium' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const isOneOf = (/** @type {string | undefined} */ value, /** @type {string[]} */ names) =>
  value === undefined || names.includes(value)
if (values.help || !isOneOf(values.only, ['virtual', 'kernel']) || !isOneOf(values.offerer, ['chromium', 'kaon'])) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** @param {string[]} args of Node @param {Record<string, string>} [env] */
function run(args, env) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) process.exitCode = 1
  return status === 0
}

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--disable-console-intercept']
if (values.only !== 'kernel') {
  const tests = 'packages/ice/test/driver/nat-matrix.test.ts'
  run([...vitest, '--project', 'unit', tests], { KAON_REPORT: '1' })
}
if (values.only !== 'virtual') {
  const missing = peers.filter(({ name, find }) => ['chromium', 'nftables'].includes(name) && find() === undefined)
  for (const { name, why, apt } of missing) {
    console.error(`The table of the kernel needs ${name}: ${why}. Debian: apt-get install ${apt}`)
    process.exitCode = 1
  }
  if (missing.length === 0 && run(['tools/build/all.mjs'])) {
    const tests = 'packages/webrtc/test/nftables.nat-matrix.chromium.peer.test.ts'
    run([...vitest, '--project', 'peers', tests], { KAON_NAT_MATRIX: values.offerer })
  }
}
