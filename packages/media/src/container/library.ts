/** The library is loaded when the first WebM, Matroska or MP4 file is opened, so that who plays an IVF file does not pay for it. */
export function loadMediabunny(): Promise<typeof import('mediabunny')> {
  return import('mediabunny')
}
