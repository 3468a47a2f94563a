/** The library is loaded when the first MP4 file is opened or made, so that who plays another one does not pay for it. */
export function loadMediabunny(): Promise<typeof import('mediabunny')> {
  return import('mediabunny')
}
