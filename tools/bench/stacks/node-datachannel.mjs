import { PeerConnection } from 'node-datachannel'

/** libdatachannel through its own binding, not the W3C polyfill on top: the fastest way it has. @type {import('./w3c.mjs').Stack} */
export default {
  name: 'node-datachannel',
  create: (onCandidate) => {
    const connection = new PeerConnection('bench', { iceServers: [] })
    /** @type {import('node-datachannel').DataChannel | undefined} */
    let channel
    let messageCallback = (/** @type {number} */ _bytes) => {}
    /** @type {(value?: undefined) => void} */
    let resolveOpened
    /** @type {Promise<void>} */
    const opened = new Promise((resolve) => (resolveOpened = resolve))
    /** @type {(description: import('./w3c.mjs').Description) => void} */
    let resolveLocal
    /** @type {Promise<import('./w3c.mjs').Description>} */
    const local = new Promise((resolve) => (resolveLocal = resolve))
    connection.onLocalDescription((sdp, type) => resolveLocal({ type, sdp }))
    connection.onLocalCandidate((candidate, mid) => onCandidate({ candidate, mid }))
    /** @param {import('node-datachannel').DataChannel} made */
    const adopt = (made) => {
      channel = made
      channel.onMessage((message) =>
        messageCallback(/** @type {Buffer} */ (message).length ?? /** @type {any} */ (message).byteLength),
      )
      if (channel.isOpen()) resolveOpened()
      else channel.onOpen(() => resolveOpened())
    }
    connection.onDataChannel(adopt)
    return {
      open: (label) => adopt(connection.createDataChannel(label)),
      offer: () => local,
      answer: (offer) => {
        connection.setRemoteDescription(offer.sdp, /** @type {any} */ (offer.type))
        return local
      },
      accept: async (answer) => connection.setRemoteDescription(answer.sdp, /** @type {any} */ (answer.type)),
      candidate: (init) => {
        const { candidate, mid } = /** @type {{ candidate: string, mid: string }} */ (init)
        connection.addRemoteCandidate(candidate, mid)
      },
      opened,
      send: (data) => void channel?.sendMessageBinary(data),
      buffered: () => channel?.bufferedAmount() ?? 0,
      lowAt: (threshold) => channel?.setBufferedAmountLowThreshold(threshold),
      onLow: (callback) => channel?.onBufferedAmountLow(callback),
      onMessage: (callback) => (messageCallback = callback),
      close: () => {
        channel?.close()
        connection.close()
      },
    }
  },
}
