/** Names that only mean something inside of a cluster, a company or a house. */
const INNER_NAMES = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa|svc|cluster\.local)$/;
/** Networks that belong to nobody in particular: a cluster's own addresses are among them. */
const INNER_NETWORKS: ReadonlyArray<[string, number]> = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
];

/**
 * Why a repository may not be cloned from an address, in words; null when it may. Of a name nobody can tell here where it
 * leads: what a session may reach is for the network that it runs in. `local` allows http and addresses inside, for tests.
 */
export function findRepositoryUrlProblem(text: string, { local }: { local: boolean }): string | null {
  if (!URL.canParse(text)) return 'is no address';
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return 'holds a space or a control character';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return 'holds a name or a password, which would be seen in the session: leave it out';
  }
  if (url.search !== '' || url.hash !== '') return 'has a query or a fragment';
  if (url.protocol !== 'https:' && !(local && url.protocol === 'http:')) return 'must begin with https://';
  if (url.pathname === '/') return 'names no repository';
  return local || !isInner(url.hostname) ? null : 'leads to an address inside, which sessions do not clone from';
}

/** `hostname` as URL writes it: numbers of IPv4 in their usual form, IPv6 in brackets. */
function isInner(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  // Of IPv6 only 2000::/3 is anybody's; what holds an IPv4 address in it is not.
  if (name.startsWith('[')) return !/^\[[23][0-9a-f]{3}:/.test(name) || name.startsWith('[2002:');
  const address = readIpv4(name);
  if (address !== null) return INNER_NETWORKS.some(([network, bits]) => isWithin(address, network, bits));
  return !name.includes('.') || INNER_NAMES.test(name);
}

function readIpv4(name: string): number | null {
  if (!/^\d+(\.\d+){3}$/.test(name)) return null;
  return name.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function isWithin(address: number, network: string, bits: number): boolean {
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) === Math.floor((readIpv4(network) ?? 0) / size);
}
