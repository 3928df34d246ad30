// The plain round robin in front of options A and C: the next backend in turn, whatever its state, and no second try.
// `round-robin.js PORT TARGET_PORT...`; says `ready`.

import { createServer } from 'node:http';
import { createProxyServer } from 'http-proxy';

const [port, ...targetPorts] = process.argv.slice(2).map(Number);
const proxy = createProxyServer({});
let turn = 0;

const server = createServer((request, response) => {
  const target = `http://127.0.0.1:${targetPorts[turn++ % targetPorts.length]}`;
  proxy.web(request, response, { target }, () => {
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
