// A part of a changing text that is just this text.

import type { ChangingPart } from '../../proxy/lanes/changing-text.js';

export function partOf(text: string): ChangingPart {
  return { text, length: text.length, putInto: (octets, start) => void octets.write(text, start, 'latin1') };
}
