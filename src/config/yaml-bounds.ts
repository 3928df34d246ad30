// What keeps a file of the allowed size from taking the YAML parser's stack, or a time that grows with the square of its keys:
// bounds that no config comes near. A running instance that reads its config again does nothing else meanwhile.

import { isNode, isScalar, Lexer, visit, type Document, type LineCounter, type YAMLMap } from 'yaml';
import type { ConfigProblem } from './config-error.js';

export const MAX_LEVELS = 64;
export const MAX_KEYS = 1_000;

/** A dash of a list stands at least two columns further in than that of the list around it. */
const FURTHEST_DASH = 2 * MAX_LEVELS;
/** The lexer's own words; they stand for nothing in the text. */
const [DOCUMENT, FLOW_ERROR, SCALAR] = ['\x02', '\x18', '\x1f'];

/** Looks at brackets and dashes alone, before anything is parsed: the parser calls itself for each of them. */
export function tooDeep(text: string): ConfigProblem | undefined {
  let [offset, level, inScalar] = [0, 0, false];
  for (const token of new Lexer().lex(text)) {
    if (token === DOCUMENT || token === FLOW_ERROR || token === SCALAR) {
      if (token === FLOW_ERROR) level = 0;
      inScalar = token === SCALAR;
      continue;
    }
    if (!inScalar) {
      if (token === '[' || token === '{') level += 1;
      if (token === ']' || token === '}') level = Math.max(0, level - 1);
      const isDash = level === 0 && (token === '-' || token === '?');
      if (level > MAX_LEVELS || (isDash && columnAt(text, offset) > FURTHEST_DASH)) {
        const message = `lists and mappings lie too deep in one another; accepted: ${MAX_LEVELS} levels at most`;
        return { path: placeAt(text, offset), message };
      }
    }
    inScalar = false;
    offset += token.length;
  }
  return undefined;
}

/** In place of the parser's own look, which compares each key with all before it. */
export function wrongKeys(document: Document, lineCounter: LineCounter): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const place = (key: unknown) => {
    const { line, col } = lineCounter.linePos((isNode(key) ? key.range?.[0] : undefined) ?? 0);
    return `line ${line}, column ${col}`;
  };
  visit(document, {
    Map(_key, { items }: YAMLMap) {
      if (items.length > MAX_KEYS) {
        const message = `one mapping has ${items.length} keys; accepted: ${MAX_KEYS} at most`;
        problems.push({ path: place(items[MAX_KEYS]!.key), message });
        return visit.SKIP;
      }
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const value = isScalar(key) ? key.value : key;
        if (seen.has(value)) problems.push({ path: place(key), message: 'Map keys must be unique' });
        seen.add(value);
      }
      return undefined;
    },
  });
  return problems;
}

function columnAt(text: string, offset: number): number {
  return offset - text.lastIndexOf('\n', offset - 1);
}

function placeAt(text: string, offset: number): string {
  return `line ${text.slice(0, offset).split('\n').length}, column ${columnAt(text, offset)}`;
}
