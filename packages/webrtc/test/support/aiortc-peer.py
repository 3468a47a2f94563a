"""An aiortc peer driven by JSON lines: {"id", "do", ...} on stdin, {"id", "result"} or {"event", ...} on stdout.

It echoes what it receives on channels whose label begins with "echo". It decodes the media that it receives, and can
send a green picture and silence. The end of stdin ends it.
"""

import asyncio
import base64
import hashlib
import json
import sys

from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

pc = RTCPeerConnection()
channels = {}
decoded = {"audio": 0, "video": 0}
colour = None
decoders = []


def say(message):
    print(json.dumps(message), flush=True)


def describe(channel):
    return {
        "label": channel.label,
        "protocol": channel.protocol,
        "id": channel.id,
        "ordered": channel.ordered,
        "maxRetransmits": channel.maxRetransmits,
        "maxPacketLifeTime": channel.maxPacketLifeTime,
        "negotiated": channel.negotiated,
    }


def adopt(channel):
    channels[channel.label] = channel

    @channel.on("open")
    def opened():
        say({"event": "open", **describe(channel)})

    @channel.on("message")
    def message(data):
        is_text = isinstance(data, str)
        raw = data.encode() if is_text else data
        kind = "string" if is_text else "binary"
        digest = hashlib.sha256(raw).hexdigest()
        say({"event": "message", "label": channel.label, "kind": kind, "size": len(raw), "sha256": digest})
        if channel.label.startswith("echo"):
            channel.send(data)

    @channel.on("close")
    def closed():
        say({"event": "close", "label": channel.label})

    # A channel of the other side is open when it is announced.
    if channel.readyState == "open":
        opened()


pc.on("datachannel", adopt)


async def decode(track):
    global colour
    try:
        while True:
            frame = await track.recv()
            decoded[track.kind] += 1
            if track.kind == "video":
                colour = list(bytes(frame.reformat(format="rgb24").planes[0])[:3])
    except MediaStreamError:
        pass


@pc.on("track")
def track_arrived(track):
    decoders.append(asyncio.ensure_future(decode(track)))


def send_media(codecs):
    for track in (AudioStreamTrack(), VideoStreamTrack()):
        sender = pc.addTrack(track)
        transceiver = next(one for one in pc.getTransceivers() if one.sender == sender)
        wanted = (codecs[track.kind].lower(), f"{track.kind}/rtx")
        capable = RTCRtpSender.getCapabilities(track.kind).codecs
        transceiver.setCodecPreferences([codec for codec in capable if codec.mimeType.lower() in wanted])


@pc.on("connectionstatechange")
def connection_state_changed():
    say({"event": "state", "state": pc.connectionState})


async def local(description):
    await pc.setLocalDescription(description)
    return {"type": pc.localDescription.type, "sdp": pc.localDescription.sdp}


async def remote(description):
    await pc.setRemoteDescription(RTCSessionDescription(**description))


async def run(request):
    do = request["do"]
    if do == "offer":
        return await local(await pc.createOffer())
    if do == "answer":
        await remote(request["offer"])
        return await local(await pc.createAnswer())
    if do == "accept":
        return await remote(request["answer"])
    if do == "channel":
        return adopt(pc.createDataChannel(request["label"], **request["init"]))
    if do == "send":
        data = request["text"] if "text" in request else base64.b64decode(request["base64"])
        return channels[request["label"]].send(data)
    if do == "closeChannel":
        return channels[request["label"]].close()
    if do == "media":
        return send_media(request["codecs"])
    if do == "decoded":
        return {**decoded, "colour": colour}
    if do == "close":
        return await pc.close()
    raise ValueError(do)


async def main():
    lines = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        request = json.loads(line)
        try:
            say({"id": request["id"], "result": await run(request)})
        except Exception as error:
            say({"id": request["id"], "error": repr(error)})
    await pc.close()


asyncio.run(main())
