/** What an answer, or a provisional one, starts: RFC 9429 §5.11. */
import { RTCCertificate } from './certificate.ts'
import { SCTP_PORT, type Connection } from './connection.ts'
import type { Description } from './jsep/description.ts'
import { dataSection, isDataSection, maxMessageSize, readTransport, remoteCandidates } from './jsep/sections.ts'
import { roleFromAnswer, sameFingerprints } from './jsep/validate.ts'
import { updateMaxMessageSize } from './sctp-transport.ts'
import type { Transport } from './transport/transport.ts'

export function applyAnswer(connection: Connection, answer: Description, remote: boolean): void {
  const { session, transports } = connection
  const local = remote ? session.local : answer
  const remoteDescription = remote ? answer : session.remote
  if (local === null || remoteDescription === null) return
  for (const transport of transports.all) startTransport(connection, transport, local, remoteDescription, remote)
  applyData(connection, answer, local, remoteDescription)
  connection.transceivers.start(local, remoteDescription)
}

function startTransport(
  connection: Connection,
  transport: Transport,
  local: Description,
  remote: Description,
  answeredByPeer: boolean,
): void {
  const localSection = local.section(transport.mid)
  const remoteSection = remote.section(transport.mid)
  if (localSection === undefined || remoteSection === undefined || remoteSection.isRejected) return
  const described = readTransport(remote.model, remoteSection)
  const role = answeredByPeer ? roleFromAnswer(described) : localSection.setup === 'passive' ? 'server' : 'client'

  if (transport.peer.dtlsRole !== undefined && transport.remoteFingerprints !== undefined) {
    if (!sameFingerprints(described, transport.remoteFingerprints)) {
      transport.peer.discardDtls()
      if (connection.data?.transport === transport) connection.channels.stop()
    }
  }
  const startsDtls = transport.peer.dtlsRole === undefined
  transport.remoteFingerprints = described
  transport.applyRemote({
    usernameFragment: described.usernameFragment!,
    password: described.password!,
    iceLite: described.iceLite,
    renomination: described.renomination,
    pacing: described.pacing,
    candidates: remoteCandidates(remote.model, remoteSection, remote.bundleAgreed),
    // Who cannot trickle has said everything (W3C §5.6.6).
    endOfCandidates: remoteSection.endOfCandidates || connection.canTrickle === false,
  })
  if (!startsDtls) return
  transport.peer.startDtls({
    role,
    certificate: RTCCertificate.credentials(connection.certificate),
    fingerprints: described.fingerprints,
  })
}

function applyData(connection: Connection, answer: Description, local: Description, remote: Description): void {
  const { session, channels, data } = connection
  if (answer.data === undefined) {
    if (!answer.model.media.some(isDataSection)) return
    // Data was refused, or ended by a re-offer (RFC 8841 §10.4).
    session.wantsData = false
    connection.discardData()
    return
  }
  const remoteData = dataSection(remote.model)
  const localData = dataSection(local.model)
  if (remoteData === undefined || localData === undefined || data === null) return
  const { peer } = data.transport
  updateMaxMessageSize(data.slots, maxMessageSize(remoteData), connection.sendBufferSize)
  peer.setRemoteMaxMessageSize(maxMessageSize(remoteData))
  peer.startSctp({
    localPort: localData.sctpPort ?? SCTP_PORT,
    remotePort: remoteData.sctpPort ?? SCTP_PORT,
    remoteMaxMessageSize: maxMessageSize(remoteData),
    localMaxMessageSize: connection.maxMessageSize,
  })
  if (peer.manager !== undefined) channels.start(peer.manager)
}
