/** Prints what was measured when somebody asks: `npm run roaming -w @kaon/webrtc`. */
export function report(text: string): void {
  if (process.env.KAON_REPORT !== undefined) console.log(text)
}
