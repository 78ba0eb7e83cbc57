import { parseSocketTable } from '#agent/ports/socketTable.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (address: string, state: string, inode: number): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 100 0 0 10 0`;

describe('the table of sockets', () => {
  it('tells what listens on the loopback or on all addresses, and how it is reached', () => {
    const table = [
      HEAD,
      line('0100007F:1F40', '0A', 1),
      line('00000000:0BB8', '0A', 2),
      line('00000000000000000000000000000000:1F90', '0A', 3),
      line('00000000000000000000000001000000:1F91', '0A', 4),
      line('0000000000000000FFFF00000100007F:1F92', '0A', 5),
    ].join('\n');
    expect(parseSocketTable(table)).toEqual([
      { port: 8000, host: '127.0.0.1', inode: '1' },
      { port: 3000, host: '127.0.0.1', inode: '2' },
      { port: 8080, host: '::1', inode: '3' },
      { port: 8081, host: '::1', inode: '4' },
      { port: 8082, host: '127.0.0.1', inode: '5' },
    ]);
  });

  it('leaves out other addresses and sockets that do not listen', () => {
    const table = [HEAD, line('0A00000A:1F40', '0A', 1), line('0100007F:1F41', '01', 2), ''].join('\n');
    expect(parseSocketTable(table)).toEqual([]);
  });
});
