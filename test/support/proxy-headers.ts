// Headers of the PROXY protocol's second version, put together out of octets (proxy-protocol.txt, section 2.2).

export interface BinaryHeaderParts {
  /** Version and command; by default version 2, PROXY. */
  readonly command?: number;
  /** Family and transport; by default TCP over IPv4. */
  readonly family?: number;
  readonly addresses?: readonly number[];
  readonly tlvs?: readonly number[];
}

export function binaryHeader(parts: BinaryHeaderParts = {}): Buffer {
  const { command = 0x21, family = 0x11, addresses = [], tlvs = [] } = parts;
  const length = addresses.length + tlvs.length;
  const fixed = [command, family, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from([...fixed, ...addresses, ...tlvs])]);
}

/** TCP over IPv4 from that address, to port 443 of 198.51.100.2. */
export function headerFromIPv4(source: string): Buffer {
  return binaryHeader({ addresses: [...source.split('.').map(Number), 198, 51, 100, 2, 0xdc, 4, 1, 187] });
}
