// The command as it is published, asking a server through NATs of the Linux kernel (`npm run build` first).
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createNetlab } from '../../../tools/netlab/netlab.mjs'
import { ACCESSES, type Access } from '../../../tools/netlab/ruleset.mjs'

const command = fileURLToPath(new URL('../dist/bin/stun.js', import.meta.url))
let labs = 0

/** What the command says of the NAT that is made for it. */
async function ask(access: Access, hairpin = false): Promise<Record<string, unknown>> {
  const lab = createNetlab({ name: `kaon-nat-${process.pid}-${labs++}`, left: access, hairpin })
  const children: ChildProcessWithoutNullStreams[] = []
  const start = (prefix: readonly string[], args: string[]): ChildProcessWithoutNullStreams => {
    const [program, ...rest] = [...prefix, process.execPath, command, ...args]
    const child = spawn(program!, rest)
    children.push(child)
    return child
  }
  try {
    const [primary, alternate] = lab.addresses
    const server = start(lab.public.prefix, ['serve', '--address', primary, '--alternate', alternate])
    await new Promise<void>((resolve, reject) => {
      let said = ''
      server.stdout.on('data', (chunk) => {
        said += chunk
        if (said.split('\n').length > 8) resolve()
      })
      server.on('close', () => reject(new Error('the server has ended')))
    })
    const client = start(lab.left.host.prefix, ['--nat', '--json', primary])
    let output = ''
    client.stdout.on('data', (chunk) => (output += chunk))
    const status = await new Promise((resolve) => client.on('close', resolve))
    const report = JSON.parse(output) as Record<string, unknown>
    expect(status).toBe(report['udp'] === 'open' ? 0 : 1)
    return report
  } finally {
    for (const child of children) child.kill('SIGKILL')
    lab.remove()
  }
}

const EI = 'endpoint-independent'
const AD = 'address-dependent'
const APD = 'address-and-port-dependent'

const EXPECTED: Record<Access, object> = {
  open: { udp: 'open', mapping: 'none', filtering: EI },
  'full-cone': { udp: 'open', mapping: EI, filtering: EI, hairpinning: false, portPreservation: true },
  'address-restricted': { udp: 'open', mapping: EI, filtering: AD, hairpinning: false, portPreservation: true },
  'port-restricted': { udp: 'open', mapping: EI, filtering: APD, hairpinning: false, portPreservation: true },
  'symmetric-random': { udp: 'open', mapping: APD, filtering: APD, hairpinning: null, portPreservation: false },
  cgnat: { udp: 'open', mapping: EI, filtering: APD, hairpinning: false },
  'udp-blocked': { udp: 'blocked', mapping: 'unknown' },
  'tcp-443-only': { udp: 'silent', mapping: 'unknown' },
}

// Side by side, since a NAT that lets nothing in is waited for.
describe.concurrent('kaon-stun --nat names what the kernel does', () => {
  it.each(ACCESSES)('with %s', async (access) => {
    expect(await ask(access)).toMatchObject(EXPECTED[access])
  })

  it('with hairpinning', async () => {
    expect(await ask('full-cone', true)).toMatchObject({ ...EXPECTED['full-cone'], hairpinning: true, doubts: [] })
  })
})
