import type { DrivenPage } from './browser-peer.ts'

/** What the halves of pages have in common, on `window.tools`: a function that travels as source text cannot call others. */
export interface PageTools {
  /** Sets the local description and gives it with all candidates. */
  local(pc: RTCPeerConnection): Promise<RTCSessionDescriptionInit>
  connected(pc: RTCPeerConnection): Promise<void>
  /** The only codec from now on, by its MIME type. Nothing without one. */
  prefer(transceiver: RTCRtpTransceiver, kind: 'audio' | 'video', mimeType: string | undefined): void
}

export type WindowWithTools = Window & { tools: PageTools }

function setPageTools(): void {
  const tools: PageTools = {
    async local(pc) {
      await pc.setLocalDescription()
      if (pc.iceGatheringState !== 'complete') {
        await new Promise<void>((resolve) => {
          pc.onicegatheringstatechange = () => {
            if (pc.iceGatheringState === 'complete') resolve()
          }
        })
      }
      return { type: pc.localDescription!.type, sdp: pc.localDescription!.sdp }
    },
    async connected(pc) {
      while (pc.connectionState !== 'connected') {
        if (pc.connectionState === 'failed') throw new Error('the connection failed')
        await new Promise((resolve) => pc.addEventListener('connectionstatechange', resolve, { once: true }))
      }
    },
    prefer(transceiver, kind, mimeType) {
      if (mimeType === undefined) return
      const { codecs } = RTCRtpReceiver.getCapabilities(kind)!
      const names = [mimeType.toLowerCase(), `${kind}/rtx`]
      transceiver.setCodecPreferences(codecs.filter(({ mimeType: name }) => names.includes(name.toLowerCase())))
    },
  }
  ;(window as unknown as WindowWithTools).tools = tools
}

export async function installPageTools(page: DrivenPage): Promise<void> {
  await page.evaluate(setPageTools, ['install', []])
}
