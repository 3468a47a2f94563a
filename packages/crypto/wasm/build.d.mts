export function generate(): Map<string, string>
