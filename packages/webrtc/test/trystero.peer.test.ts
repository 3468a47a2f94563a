import { spawn, type ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'

// Trystero as npm has it, given Kaon through its `rtcPolyfill` option: two processes that find each other over a relay on
// this machine which speaks as much of Nostr's protocol as they need.

let server: WebSocketServer
let url: string

beforeAll(async () => {
  const subscriptions = new Map<WebSocket, Map<string, string[]>>()
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (socket) => {
    subscriptions.set(socket, new Map())
    socket.on('close', () => subscriptions.delete(socket))
    socket.on('message', (data) => {
      const [type, first, filter] = JSON.parse(String(data)) as [string, unknown, { '#x'?: string[] }]
      if (type === 'REQ') subscriptions.get(socket)!.set(first as string, filter['#x'] ?? [])
      else if (type === 'CLOSE') subscriptions.get(socket)!.delete(first as string)
      else if (type === 'EVENT') {
        const event = first as { id: string; tags: string[][] }
        const topic = event.tags.find(([name]) => name === 'x')?.[1]
        for (const [client, wanted] of subscriptions) {
          for (const [id, topics] of wanted)
            if (topics.includes(topic!)) client.send(JSON.stringify(['EVENT', id, event]))
        }
        socket.send(JSON.stringify(['OK', event.id, true, '']))
      }
    })
  })
  await new Promise((resolve) => server.once('listening', resolve))
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => server.close())

describe('Trystero over Kaon', () => {
  it('two members find each other and exchange text and binary', async () => {
    const script = fileURLToPath(new URL('./support/trystero-member.mjs', import.meta.url))
    const members: ChildProcess[] = []
    try {
      const outputs = [0, 1].map(() => {
        const child = spawn(process.execPath, [script, url], { stdio: ['pipe', 'pipe', 'inherit'] })
        members.push(child)
        return new Promise<string>((resolve, reject) => {
          let output = ''
          child.stdout.on('data', (data: Buffer) => {
            output += String(data)
            if (output.includes('binary: ') && output.includes('greeted: ')) resolve(output)
          })
          child.once('exit', () => reject(new Error(`a member ended: ${output}`)))
        })
      })
      for (const output of await Promise.all(outputs)) {
        expect(output).toContain('joined\n')
        expect(output).toContain('greeted: grüezi\n')
        expect(output).toContain('binary: 200000\n')
      }
    } finally {
      for (const child of members) child.kill()
    }
  })
})
