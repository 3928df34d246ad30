// What undici lets through of an upstream's head and must not: judged on the raw list of fields before anything is passed
// on. The same rules as http1/response-head.ts. Pure.

/** Undefined when nothing is wrong (RFC 9112 sections 4, 5 and 6). */
export function findResponseFault(reason: string, rawHeaders: readonly string[]): string | undefined {
  if (hasControl(reason)) return 'a control octet in the reason';
  let lengths = 0;
  let codings = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1]!;
    if (hasControl(value)) return 'a control octet in a field';
    const name = rawHeaders[index]!.toLowerCase();
    if (name === 'content-length') {
      lengths += 1;
      if (!/^\d{1,15}$/.test(value)) return 'a malformed Content-Length';
    } else if (name === 'transfer-encoding') {
      codings += 1;
      if (value.toLowerCase() !== 'chunked') return 'Transfer-Encoding other than one "chunked"';
    }
  }
  return lengths + codings > 1 ? 'more than one field that frames it' : undefined;
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}
