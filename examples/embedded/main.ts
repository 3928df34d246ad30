// Understudy inside a program of your own: started, asked, switched and stopped by calls instead of commands.
// Ports come as arguments (front, admin, one for each backend), so that it can run beside anything else.

import { createUnderstudy, parseConfig } from 'understudy-lb';

const [front, admin, ...backends] = process.argv.slice(2).map(Number);

const understudy = createUnderstudy(
  parseConfig({
    front: { port: front },
    admin: { port: admin },
    backends: backends.map((port, index) => ({ name: `backend-${index + 1}`, port })),
    modes: { calm: { active: 1, standby: 1 }, busy: { active: 2 } },
  }),
);

const { frontUrl } = await understudy.start();
try {
  console.log(`mode ${understudy.status().mode.current}: ${await ask(frontUrl)}`);
  await understudy.setMode('busy');
  console.log(`mode ${understudy.status().mode.current}: ${await ask(frontUrl)}`);
} finally {
  await understudy.stop();
}

async function ask(url: string): Promise<string> {
  const response = await fetch(url);
  return `${response.status} ${response.statusText}`;
}
