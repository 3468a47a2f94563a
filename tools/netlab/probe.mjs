// Sockets by remote control: runs in a namespace, takes commands as JSON lines and tells what it hears. See `Probe` in lab.ts.
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

/** @type {Map<string, import('node:dgram').Socket>} */
const sockets = new Map()

/** @param {object} message */
const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

/** @type {Record<string, (command: any, done: (result: string) => void) => void>} */
const commands = {
  /** A UDP socket; each datagram is told as `heard`. */
  udp({ address, port }, done) {
    const socket = createSocket('udp4')
    const name = `${address} ${port}`
    sockets.set(name, socket)
    socket.on('error', () => {}) // an ICMP message: the virtual network has none
    socket.on('message', (data, from) => tell({ heard: name, from: `${from.address} ${from.port}`, text: `${data}` }))
    socket.bind(port, address, () => done(name))
  },
  send({ socket, to, text }, done) {
    const [address, port] = to.split(' ')
    sockets.get(socket)?.send(text, Number(port), address, () => done(''))
  },
  /** A TCP server that tells each client from where it is seen. */
  serve({ port }, done) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(`${socket.remoteAddress} ${socket.remotePort}`)
    })
    server.listen(port, '0.0.0.0', () => done(''))
  },
  /** What such a server says, the name of the error, or after a while how far it came. */
  connect({ address, port, localPort, timeout }, done) {
    const socket = connect({ host: address, port, localPort })
    let progress = 'no answer'
    const timer = setTimeout(() => finish(progress), timeout)
    const finish = (/** @type {string} */ result) => {
      clearTimeout(timer)
      socket.destroy()
      done(result)
    }
    socket.on('connect', () => (progress = 'connected'))
    socket.on('error', (error) => finish(/** @type {NodeJS.ErrnoException} */ (error).code ?? ''))
    socket.on('data', (data) => finish(`${data}`))
  },
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line)
  commands[command.do]?.(command, (result) => tell({ id: command.id, result }))
})
