// One end of a two-process run: `node peer.mjs <stack>`; signalling and orders come over IPC from run.mjs.
import { drain, pump } from './work.mjs'

const stack = (await import(`./stacks/${process.argv[2]}.mjs`)).default
/** @param {object} message */
const tell = (message) => process.send?.(message)
const peer = stack.create((/** @type {unknown} */ candidate) => tell({ type: 'candidate', candidate }))
peer.opened.then(() => tell({ type: 'opened' }))

process.on('message', async (/** @type {any} */ message) => {
  switch (message.type) {
    case 'offer':
      peer.open('bench')
      return tell({ type: 'description', description: await peer.offer() })
    case 'answer':
      return tell({ type: 'description', description: await peer.answer(message.description) })
    case 'accept':
      return peer.accept(message.description)
    case 'candidate':
      return peer.candidate(message.candidate)
    case 'receive': {
      const cpu = process.cpuUsage()
      const done = drain(peer, message.bytes)
      tell({ type: 'ready' })
      await done
      const { user, system } = process.cpuUsage(cpu)
      return tell({ type: 'received', cpu: (user + system) / 1e6 })
    }
    case 'send': {
      const cpu = process.cpuUsage()
      await pump(peer, message.bytes, message.size)
      // The last bytes are still on their way: what this process spends on them counts too.
      process.once('message', () => {
        const { user, system } = process.cpuUsage(cpu)
        tell({ type: 'sent', cpu: (user + system) / 1e6 })
        peer.close()
        setTimeout(() => process.exit(0), 200).unref()
      })
      return
    }
    case 'close':
      peer.close()
      setTimeout(() => process.exit(0), 200).unref()
  }
})
