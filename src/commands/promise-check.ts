// The running instance's way back into traffic, as last rehearsed, against what the config promises. Pure.

import type { StatusView, Temperature } from '../admin/status-view.js';
import type { Config } from '../config/config.js';
import type { Finding } from './doctor.js';

export function comparePromises({ backends }: Pick<StatusView, 'backends'>, promises: Config['promises']): Finding[] {
  return backends.flatMap(({ name, tiers }) =>
    (Object.keys(tiers) as Temperature[]).map((temperature): Finding => {
      const took = `${name}: from ${temperature} to an answer in ${inWords(tiers[temperature]!.ms)}`;
      const promised = `promises.${temperature} is ${inWords(promises[temperature])}`;
      if (tiers[temperature]!.ms <= promises[temperature]) return { level: 'ok', text: `${took} (${promised})` };
      return { level: 'warn', text: `${took}, but ${promised}${REMEDIES[temperature]}` };
    }),
  );
}

const REMEDIES: Readonly<Record<Temperature, string>> = {
  hot: ': its health path is slow, or the machine is busy',
  frozen: ': its memory may have been swapped out; hot costs CPU and is faster',
  asleep: ': its hooks take that long; frozen keeps its GPU memory and is faster',
  cold: ': that is the time of a whole start; any other temperature is faster',
};

function inWords(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
