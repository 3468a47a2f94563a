/**
 * Half of a connection, and its half of the signalling: what one side tells, the other one hears. It runs in Chromium's page,
 * where it arrives as source text and so refers to nothing outside of it, and in a process of Kaon's.
 *
 * @param {typeof RTCPeerConnection} PeerConnection
 * @param {RTCConfiguration} configuration
 * @param {(message: Message) => void} tell
 * @returns {(message: Message) => void} to be called with what the other side tells, and with commands
 */
export function startPeer(PeerConnection, configuration, tell) {
  const pc = new PeerConnection(configuration)
  const begin = performance.now()
  /** Candidates that came before the description was told. @type {Message[] | undefined} */
  let early = []
  /** @type {RTCDataChannel | undefined} */
  let own
  pc.onicecandidate = ({ candidate }) => {
    if (candidate === null) return
    const message = { candidate: candidate.toJSON() }
    if (early === undefined) tell(message)
    else early.push(message)
  }
  pc.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(data)
  }
  const describe = async () => {
    await pc.setLocalDescription()
    const { type, sdp } = /** @type {RTCSessionDescription} */ (pc.localDescription)
    tell({ description: { type, sdp } })
    for (const message of early ?? []) tell(message)
    early = undefined
  }
  const selectedPair = async () => {
    /** @type {any[]} */
    const stats = []
    for (const one of (await pc.getStats()).values()) stats.push(one)
    const find = (/** @type {string} */ id) => stats.find((one) => one.id === id)
    const pair = find(stats.find(({ type }) => type === 'transport')?.selectedCandidatePairId)
    const [local, remote] = [find(pair.localCandidateId), find(pair.remoteCandidateId)]
    const { protocol, relayProtocol } = local
    return { local: local.candidateType, remote: remote.candidateType, protocol, relayProtocol }
  }

  return (message) => {
    const { description, candidate } = message
    if (description !== undefined) {
      void pc.setRemoteDescription(description)
      if (description.type === 'offer') void describe()
    } else if (candidate !== undefined) {
      pc.addIceCandidate(candidate).catch(() => {}) // of a peer that is closed by now
    } else if (message.do === 'offer') {
      own = pc.createDataChannel('matrix')
      own.onopen = () => tell({ opened: performance.now() - begin })
      own.onmessage = () => tell({ echoed: true })
      void describe()
    } else if (message.do === 'echo') {
      own?.send('hello')
    } else if (message.do === 'pair') {
      void selectedPair().then((pair) => tell({ pair }))
    } else if (message.do === 'close') {
      pc.close()
    }
  }
}

/**
 * @typedef {object} Pair the selected pair as one side sees it
 * @property {string} local type of the candidate
 * @property {string} remote
 * @property {string} protocol `udp` or `tcp`
 * @property {string} [relayProtocol] how the relay is reached
 */

/**
 * @typedef {object} Message
 * @property {RTCSessionDescriptionInit} [description] for the other side
 * @property {RTCIceCandidateInit} [candidate] for the other side
 * @property {number} [opened] the channel of the side that offers is open, so many ms after its beginning
 * @property {true} [echoed] a message went there and back
 * @property {Pair} [pair]
 * @property {'offer' | 'echo' | 'pair' | 'close'} [do] a command
 */
