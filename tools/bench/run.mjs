// `npm run bench`: Kaon beside the stacks that people use today, on the same machine in the same run.
import { execFileSync, fork, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, styleText } from 'node:util'
import { runtimeBinary, runtimes } from '../packages/runtimes.mjs'
import { load } from '../../packages/turn/bench/load.mjs'
import { forward } from './forwarding.mjs'

const usage = `Usage: npm run bench -- [options]

  --only WHAT       throughput, process, setup, idle, srtp, forwarding or turn (repeatable; default all)
  --stacks A,B      of kaon, node-datachannel, werift (default all)
  --megabytes N     carried by a throughput run (default 200; werift gets a tenth)
  --rounds N        rounds of the two-process throughput, the stacks in turn (default 3)
  --pairs N         idle pairs (default 100; werift gets half)`

const sections = ['throughput', 'process', 'setup', 'idle', 'srtp', 'forwarding', 'turn']

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: sections },
    stacks: { type: 'string', default: 'kaon,node-datachannel,werift' },
    megabytes: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    pairs: { type: 'string', default: '100' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}

const here = fileURLToPath(new URL('.', import.meta.url))
const stacks = values.stacks.split(',')
const megabytes = Number(values.megabytes)
const messageSize = 16_384

// The stacks to compare with live in this folder alone and come at the first run.
if (!existsSync(join(here, 'node_modules'))) {
  console.log('installing the stacks to compare with (werift, node-datachannel) into tools/bench')
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--silent'], {
    cwd: here,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
}

/** werift needs Node 22; where this is older, npm brings one. @param {string} stack */
function nodeFor(stack) {
  if (stack !== 'werift' || Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  return runtimeBinary(
    /** @type {import('../packages/runtimes.mjs').Runtime} */ (runtimes.find((runtime) => runtime.name === 'Node 22')),
  )
}

/** @param {string} stack */
const slow = (stack) => stack === 'werift'

/** UDP datagrams that this machine has sent since it started, over IPv4 and IPv6, where the kernel counts them. */
function datagrams() {
  try {
    const [names, counts] = readFileSync('/proc/net/snmp', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('Udp:'))
    const v6 = /^Udp6OutDatagrams\s+(\d+)/m.exec(readFileSync('/proc/net/snmp6', 'utf8'))
    return Number(counts.split(' ')[names.split(' ').indexOf('OutDatagrams')]) + Number(v6?.[1] ?? 0)
  } catch {
    return Number.NaN
  }
}

/** @param {string} stack @param {number} bytes */
async function twoProcesses(stack, bytes) {
  const options = {
    execPath: nodeFor(stack),
    stdio: /** @type {import('node:child_process').StdioOptions} */ (['ignore', 'ignore', 'inherit', 'ipc']),
  }
  const [sender, receiver] = [
    fork(join(here, 'peer.mjs'), [stack], options),
    fork(join(here, 'peer.mjs'), [stack], options),
  ]
  /** @param {import('node:child_process').ChildProcess} child @param {string} type @returns {Promise<any>} */
  const next = (child, type) =>
    new Promise((resolve, reject) => {
      const onMessage = (/** @type {any} */ message) => {
        if (message.type !== type) return
        child.off('message', onMessage)
        child.off('exit', onExit)
        resolve(message)
      }
      const onExit = () => reject(new Error(`${stack} ended before “${type}”`))
      child.on('message', onMessage)
      child.once('exit', onExit)
    })
  const timeout = setTimeout(() => [sender, receiver].forEach((child) => child.kill()), 180_000)
  try {
    const held = /** @type {{ to: import('node:child_process').ChildProcess, message: object }[]} */ ([])
    let described = false
    for (const [from, to] of [
      [sender, receiver],
      [receiver, sender],
    ]) {
      from.on('message', (/** @type {any} */ message) => {
        if (message.type !== 'candidate') return
        if (described) to.send(message)
        else held.push({ to, message })
      })
    }
    const opened = Promise.all([next(sender, 'opened'), next(receiver, 'opened')])
    opened.catch(() => {})
    sender.send({ type: 'offer' })
    const offer = await next(sender, 'description')
    receiver.send({ type: 'answer', description: offer.description })
    const answer = await next(receiver, 'description')
    sender.send({ type: 'accept', description: answer.description })
    described = true
    for (const { to, message } of held) to.send(message)
    await opened

    receiver.send({ type: 'receive', bytes })
    await next(receiver, 'ready')
    const packets = datagrams()
    const received = next(receiver, 'received')
    const started = performance.now()
    sender.send({ type: 'send', bytes, size: messageSize })
    const { cpu: receiverCpu } = await received
    const elapsed = performance.now() - started
    const sent = next(sender, 'sent')
    sender.send({ type: 'finish' })
    const { cpu: senderCpu } = await sent
    receiver.send({ type: 'close' })
    const per100 = 100e6 / bytes
    return {
      mbits: (bytes * 8) / 1000 / elapsed,
      senderCpu: senderCpu * per100,
      receiverCpu: receiverCpu * per100,
      packets: (datagrams() - packets) * per100,
    }
  } finally {
    clearTimeout(timeout)
    setTimeout(() => [sender, receiver].forEach((child) => child.kill()), 1000)
  }
}

/** @param {string} stack @param {string} what @param {number} amount */
function single(stack, what, amount) {
  // Only where memory is measured: with any V8 flag Node cannot use the compiled code of its own modules, which costs 10 ms at start.
  const flags = what === 'idle' ? ['--expose-gc'] : []
  const run = spawnSync(nodeFor(stack), [...flags, join(here, 'single.mjs'), stack, what, String(amount)], {
    encoding: 'utf8',
    timeout: 180_000,
  })
  const line = run.stdout.trim().split('\n').at(-1)
  if (run.status !== 0 || !line)
    throw new Error(`${stack} ${what}: ${run.stderr.trim().split('\n').at(-1) || 'no result in time'}`)
  return JSON.parse(line)
}

/** @param {number[]} numbers */
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
/** @param {number} value @param {number} [digits] */
const round = (value, digits = 0) => Number(value.toFixed(digits))

/** @param {string} title @param {Record<string, Record<string, unknown>>} rows */
function table(title, rows) {
  console.log(`\n${styleText('bold', title)}`)
  console.table(rows)
}

/** A row per stack; a stack that fails says so in its row instead of ending the run. @param {(stack: string) => Promise<Record<string, unknown>> | Record<string, unknown>} measure */
async function rows(measure) {
  /** @type {Record<string, Record<string, unknown>>} */
  const result = {}
  for (const stack of stacks) {
    try {
      result[stack] = await measure(stack)
    } catch (error) {
      result[stack] = { error: error instanceof Error ? error.message : String(error) }
    }
  }
  return result
}

console.log(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}`)

if (values.only.includes('throughput')) {
  /** @type {Map<string, Awaited<ReturnType<typeof twoProcesses>>[]>} */
  const runs = new Map(stacks.map((stack) => [stack, []]))
  /** @type {Record<string, string>} */
  const failed = {}
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const stack of stacks) {
      try {
        runs.get(stack)?.push(await twoProcesses(stack, (megabytes * 1e6) / (slow(stack) ? 10 : 1)))
      } catch (error) {
        failed[stack] = String(error)
      }
    }
  }
  const reference = runs.get('node-datachannel')?.map((run) => run.mbits) ?? []
  table(
    `One reliable ordered channel, 16 KB messages, two processes, loopback; medians of ${values.rounds} rounds`,
    await rows((stack) => {
      const all = runs.get(stack) ?? []
      if (all.length === 0) throw new Error(failed[stack])
      const pick = (/** @type {'mbits' | 'senderCpu' | 'receiverCpu' | 'packets'} */ key) =>
        median(all.map((run) => run[key]))
      const ratios = all.map((run, i) => run.mbits / reference[i])
      return {
        'Mbit/s': round(pick('mbits')),
        'min–max': `${round(Math.min(...all.map((run) => run.mbits)))}–${round(Math.max(...all.map((run) => run.mbits)))}`,
        '× node-datachannel': reference.length === all.length ? round(median(ratios), 2) : '',
        'sender cpu s/100 MB': round(pick('senderCpu'), 2),
        'receiver cpu s/100 MB': round(pick('receiverCpu'), 2),
        'datagrams/100 MB': round(pick('packets')),
      }
    }),
  )
}

if (values.only.includes('process')) {
  table(
    'The same in one process',
    await rows((stack) => {
      const amount = megabytes / (slow(stack) ? 10 : 1)
      const { mbits, cpu } = single(stack, 'throughput', amount)
      return { 'Mbit/s': round(mbits), 'cpu s/100 MB': round((cpu * 100) / amount, 2) }
    }),
  )
}

if (values.only.includes('setup')) {
  table(
    'From nothing to an open channel, both peers in one process',
    await rows((stack) => {
      const { importMs, first, median: later } = single(stack, 'setup', 21)
      return {
        'import ms': round(importMs, 1),
        'first channel ms': round(first, 1),
        'next, median ms': round(later, 1),
      }
    }),
  )
}

if (values.only.includes('idle')) {
  table(
    `${values.pairs} idle connected pairs in one process`,
    await rows((stack) => {
      const { kilobytes, connectMs, idlePercent } = single(stack, 'idle', Number(values.pairs) / (slow(stack) ? 2 : 1))
      return {
        'KB a peer': round(kilobytes),
        'cpu ms to connect a pair': round(connectMs, 1),
        'idle cpu %': round(idlePercent, 1),
      }
    }),
  )
}

if (values.only.includes('srtp')) {
  console.log(`\n${styleText('bold', 'SRTP, per packet, in one process')}`)
  spawnSync(process.execPath, [join(here, '../../packages/srtp/bench/packets.mjs')], { stdio: 'inherit' })
}

if (values.only.includes('forwarding')) {
  const measurable = stacks.filter((stack) => stack !== 'node-datachannel')
  for (const [receivers, rate] of [
    [1, 2000],
    [10, 4000],
    [50, 4000],
  ]) {
    /** @type {Map<string, Awaited<ReturnType<typeof forward>>[]>} */
    const runs = new Map(measurable.map((stack) => [stack, []]))
    for (let i = 0; i < Number(values.rounds); i++) {
      for (const stack of measurable) {
        try {
          runs.get(stack)?.push(await forward(stack, receivers, rate, nodeFor(stack)))
        } catch (error) {
          console.log(`${stack}: ${error instanceof Error ? error.message : error}`)
        }
      }
    }
    const reference = runs.get('werift')?.map((run) => run.packetsPerCpuSecond) ?? []
    /** @type {Record<string, Record<string, unknown>>} */
    const result = {}
    for (const [stack, all] of runs) {
      const rates = all.map((run) => run.packetsPerCpuSecond)
      result[stack] =
        all.length === 0
          ? { error: 'no result' }
          : {
              'packets a cpu second': round(median(rates)),
              'min–max': `${round(Math.min(...rates))}–${round(Math.max(...rates))}`,
              '× werift':
                reference.length === rates.length ? round(median(rates.map((one, i) => one / reference[i])), 2) : '',
              'lost %': round(100 * median(all.map((run) => run.lost)), 1),
            }
    }
    table(
      `Forwarding 1 KB packets from 1 to ${receivers}, ${rate} packets/s; medians of ${values.rounds} rounds`,
      result,
    )
  }
}

if (values.only.includes('turn')) {
  try {
    const results = await load()
    const coturn = results.find(({ server }) => server === 'coturn')
    /** @type {Record<string, Record<string, unknown>>} */
    const result = {}
    for (const [name, key] of /** @type {const} */ ([
      ['allocations made and ended', 'allocations'],
      ['datagrams to peers', 'toPeers'],
      ['datagrams to clients', 'toClients'],
    ])) {
      result[name] = {}
      for (const { server, [key]: rate } of results) {
        result[name][`${server}, /s`] = round(rate.perSecond)
        result[name][`${server}, /cpu s`] = round(rate.perCpuSecond)
      }
      const kaon = results[0]?.[key].perCpuSecond ?? Number.NaN
      if (coturn !== undefined) result[name]['× coturn, cpu'] = round(kaon / coturn[key].perCpuSecond, 2)
    }
    table('A TURN server over UDP: allocations, and 1200-byte datagrams by channel', result)
    if (coturn === undefined)
      console.log('coturn is not installed, nothing is compared (Debian: apt-get install coturn)')
  } catch (error) {
    console.log(`turn: ${error instanceof Error ? error.message : error}`)
  }
}
process.exit(0)
