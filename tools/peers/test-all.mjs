// `npm run test:all`: everything that `npm test` runs, then the package checks and the real peers.
// Options: --require-peers  a peer that cannot be had is a failure (what CI asks for)
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canInstall, install, peers } from './catalogue.mjs'
import { createNamespace } from './namespace.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const requirePeers = process.argv.includes('--require-peers')
const scratch = mkdtempSync(join(tmpdir(), 'kaon-test-'))
let passed = 0
let failed = 0
/** @type {string[]} */
const notRun = []

/** Runs one step that has no test count of its own; it counts as one. @param {string} title @param {string[]} command */
function step(title, command) {
  console.log(`\n== ${title}`)
  const run = spawnSync(command[0], command.slice(1), {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (run.status === 0) passed++
  else failed++
  return run.status === 0
}

/**
 * @param {string} project
 * @param {{ excluded?: string[], prefix?: string[], shard?: string }} [options] `excluded`: peers whose files are left out;
 *   `prefix`: what stands before the command, to run it in a network namespace; `shard`: a part of the files, such as 1/2
 */
async function vitest(project, { excluded = [], prefix = [], shard } = {}) {
  const title = shard === undefined ? project : `${project} ${shard}`
  const report = join(scratch, `${title.replaceAll(/\W/g, '-')}.json`)
  const command = [
    ...prefix,
    process.execPath,
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(shard === undefined ? [] : [`--shard=${shard}`]),
    ...excluded.flatMap((name) =>
      [`${name}.`, `${name}.*.`, `*.${name}.`].flatMap((start) => ['--exclude', `**/${start}peer.test.ts`]),
    ),
  ]
  if (shard === undefined) console.log(`\n== tests: ${title}`)
  // What runs beside another is printed when it is over.
  const output = shard === undefined ? 'inherit' : 'pipe'
  const child = spawn(command[0], command.slice(1), { cwd: root, stdio: ['ignore', output, output] })
  /** @type {Buffer[]} */
  const printed = []
  child.stdout?.on('data', (data) => printed.push(data))
  child.stderr?.on('data', (data) => printed.push(data))
  const status = await new Promise((resolve) => child.once('close', resolve).once('error', () => resolve(-1)))
  if (shard !== undefined) {
    console.log(`\n== tests: ${title}`)
    process.stdout.write(Buffer.concat(printed))
  }
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'))
    passed += result.numPassedTests
    failed += result.numFailedTests
    for (const file of result.testResults) {
      for (const test of file.assertionResults) {
        if (test.status !== 'passed' && test.status !== 'failed')
          notRun.push(`${basename(file.name)}: ${test.fullName}`)
      }
      if (
        file.status === 'failed' &&
        file.assertionResults.every((/** @type {{ status: string }} */ test) => test.status !== 'failed')
      )
        failed++
    }
    if (status !== 0 && failed === 0) failed++
  } catch {
    failed++
  }
}

try {
  const missing = peers.filter((peer) => peer.find() === undefined)
  if (missing.length > 0 && canInstall()) install(missing)
  const absent = peers.filter((peer) => peer.find() === undefined)
  for (const peer of absent)
    notRun.push(`${peer.name} tests: ${peer.name} is not installed (Debian: apt-get install ${peer.apt})`)

  const npm = ['npm', 'run', '--silent']
  step('lint', [...npm, 'lint'])
  const built = step('build and type check', [...npm, 'typecheck'])
  await vitest('unit')
  if (built) {
    await vitest('packages')
    const excluded = absent.map((peer) => peer.name)
    // Peers mostly wait: two runs side by side, each in a namespace of its own, take half the time.
    const namespaces = ['a', 'b'].map((name) => createNamespace(`kaon-${process.pid}-${name}`))
    try {
      if (namespaces.every((namespace) => namespace !== undefined)) {
        await Promise.all(
          namespaces.map(({ prefix }, i) =>
            vitest('peers', { excluded, prefix, shard: `${i + 1}/${namespaces.length}` }),
          ),
        )
      } else {
        console.log('\nno network namespace (needs Linux and root): the peer tests use this machine’s own interfaces')
        await vitest('peers', { excluded })
      }
    } finally {
      for (const namespace of namespaces) namespace?.remove()
    }
  } else {
    notRun.push('package and peer tests: the build failed')
    failed++
  }
  if (requirePeers) failed += notRun.length
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

console.log('')
for (const line of notRun) console.log(`not run: ${line}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
