/**
 * What every stack looks like to the benchmark: one peer with one reliable, ordered channel.
 * @typedef {object} Peer
 * @property {(label: string) => void} open        makes the channel (the offerer)
 * @property {() => Promise<Description>} offer
 * @property {(offer: Description) => Promise<Description>} answer
 * @property {(answer: Description) => Promise<void>} accept
 * @property {(candidate: unknown) => void} candidate
 * @property {Promise<void>} opened
 * @property {(data: Uint8Array) => void} send
 * @property {() => number} buffered               bytes
 * @property {(threshold: number) => void} lowAt
 * @property {(callback: () => void) => void} onLow
 * @property {(callback: (bytes: number) => void) => void} onMessage
 * @property {() => void} close
 * @typedef {{ type: string, sdp: string }} Description
 * @typedef {{ name: string, create: (onCandidate: (candidate: unknown) => void) => Peer }} Stack
 */

/**
 * Adapts an `RTCPeerConnection` as the W3C draws it.
 * @param {(onCandidate: (candidate: unknown) => void) => any} construct
 * @returns {(onCandidate: (candidate: unknown) => void) => Peer}
 */
export function w3cPeer(construct) {
  return (onCandidate) => {
    const connection = construct(onCandidate)
    /** @type {any} */
    let channel
    let messageCallback = (/** @type {number} */ _bytes) => {}
    /** @type {(value?: undefined) => void} */
    let resolveOpened
    /** @type {Promise<void>} */
    const opened = new Promise((resolve) => (resolveOpened = resolve))
    /** @param {any} made */
    const adopt = (made) => {
      channel = made
      channel.binaryType = 'arraybuffer'
      channel.onmessage = (/** @type {{ data: ArrayBuffer }} */ event) => messageCallback(event.data.byteLength)
      if (channel.readyState === 'open') resolveOpened()
      else channel.onopen = () => resolveOpened()
    }
    connection.ondatachannel = (/** @type {any} */ event) => adopt(event.channel)
    const local = () => ({ type: connection.localDescription.type, sdp: connection.localDescription.sdp })
    return {
      open: (label) => adopt(connection.createDataChannel(label)),
      offer: async () => {
        await connection.setLocalDescription(await connection.createOffer())
        return local()
      },
      answer: async (offer) => {
        await connection.setRemoteDescription(offer)
        await connection.setLocalDescription(await connection.createAnswer())
        return local()
      },
      accept: (answer) => connection.setRemoteDescription(answer),
      candidate: (candidate) => void connection.addIceCandidate(candidate),
      opened,
      send: (data) => channel.send(Buffer.from(data.buffer)),
      buffered: () => channel.bufferedAmount,
      lowAt: (threshold) => (channel.bufferedAmountLowThreshold = threshold),
      // werift fires an observable of its own instead of the event.
      onLow: (callback) =>
        channel.bufferedAmountLow === undefined
          ? (channel.onbufferedamountlow = callback)
          : channel.bufferedAmountLow.subscribe(callback),
      onMessage: (callback) => (messageCallback = callback),
      close: () => void connection.close(),
    }
  }
}
