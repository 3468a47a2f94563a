// One side of a call, in a namespace of its own: JSON lines on standard input and output.
import { createInterface } from 'node:readline'
import { IceConnection } from '@kaon/ice/driver'
import { createNetwork } from '@kaon/net'

const network = createNetwork()
const role = /** @type {'controlling' | 'controlled'} */ (process.argv[2])
const ice = new IceConnection({ network, role, continualGathering: process.argv[3] === 'continual' })
/** @param {object} message */
const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

let last = Infinity
let gap = 0
ice.onCandidate = (candidate) => tell({ candidate: candidate ?? null })
ice.onStateChange = (state) => tell({ state })
ice.onDatagram = () => {
  gap = Math.max(gap, network.now() - last)
  last = network.now()
}
// A call: fifty packets a second each way.
setInterval(() => ice.send(new Uint8Array(100).fill(80)), 20)

createInterface({ input: process.stdin }).on('line', (line) => {
  const { parameters, candidate, ask } = JSON.parse(line)
  if (parameters !== undefined) {
    ice.setRemoteParameters(parameters)
    ice.gather()
  }
  if (candidate !== undefined) ice.addRemoteCandidate(candidate ?? undefined)
  if (ask === 'mark') {
    gap = 0
    tell({ marked: ice.selectedPair?.local.address ?? '' })
  }
  if (ask === 'gap') tell({ gap: Math.max(gap, network.now() - last) })
})
tell({ parameters: ice.localParameters })
