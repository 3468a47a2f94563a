/** Prints what was measured when somebody asks: `npm run nat-matrix -w @kaon/ice`. */
export function report(text: string): void {
  if (process.env.KAON_REPORT !== undefined) console.log(text)
}
