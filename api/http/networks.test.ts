import { networkOf } from '#api/http/networks.ts';
import { parseIfMatch } from '#api/http/ifMatch.ts';

describe('the network of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['nonsense', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('If-Match', () => {
  it.each([
    [undefined, null],
    ['"3"', 3],
    ['3', 3],
    ['W/"12"', 12],
  ])('%j names version %j', (header, version) => {
    expect(parseIfMatch(header)).toBe(version);
  });

  it.each(['', '*', '"a"', '"3", "4"', '-1', '99999999999'])('%j is refused', (header) => {
    expect(() => parseIfMatch(header)).toThrow('If-Match');
  });
});
