import { isSameSession, previewDomain, previewOrigin, readPreviewHost } from '#api/previews/previewHost.ts';

const uuid = '0a1b2c3d-0000-4000-8000-000000000000';
const place = { port: 8000, uuid };
const config = (BERTH_PUBLIC_URL: string, BERTH_PREVIEW_DOMAIN = '') => ({ BERTH_PUBLIC_URL, BERTH_PREVIEW_DOMAIN });

describe('the domain of previews', () => {
  it('is localhost on a loopback address, and none elsewhere until one is named', () => {
    expect(previewDomain(config('http://localhost:4600'))).toBe('localhost');
    expect(previewDomain(config('http://127.0.0.1:4600'))).toBe('localhost');
    expect(previewDomain(config('http://localhost:4600', 'off'))).toBeNull();
    expect(previewDomain(config('https://berth.example.org'))).toBeNull();
    expect(previewDomain(config('https://berth.example.org', 'preview.example.net'))).toBe('preview.example.net');
  });

  it('gives each port of each session an origin at the scheme and port of the public address', () => {
    expect(previewOrigin(config('http://localhost:4600'), place)).toBe(`http://8000-${uuid}.localhost:4600`);
    const named = config('https://berth.example.org', 'preview.example.net');
    expect(previewOrigin(named, place)).toBe(`https://8000-${uuid}.preview.example.net`);
    expect(readPreviewHost(named, `8000-${uuid}.preview.example.net`)).toEqual(place);
    expect(previewOrigin(config('https://berth.example.org'), place)).toBeNull();
  });

  it('never holds the public address, also where that lies below it', () => {
    const nested = config('https://berth.example.org', 'example.org');
    expect(readPreviewHost(nested, 'berth.example.org')).toBeNull();
    expect(readPreviewHost(nested, 'other.example.org')).toBe('nothing');
    expect(readPreviewHost(nested, 'example.org')).toBeNull();
  });

  it('is not read where previews are off', () => {
    expect(readPreviewHost(config('http://localhost:4600', 'off'), `8000-${uuid}.localhost`)).toBeNull();
  });

  it('lets the ports of one session know each other, and nobody else', () => {
    const local = config('http://localhost:4600');
    expect(isSameSession(local, `http://3000-${uuid}.localhost:4600`, place)).toBe(true);
    for (const origin of [
      'null',
      'http://localhost:4600',
      `https://3000-${uuid}.localhost:4600`,
      `http://3000-${uuid}.localhost:4600.example.org`,
      `http://3000-${uuid.replace('0a', '0b')}.localhost:4600`,
    ]) {
      expect(isSameSession(local, origin, place)).toBe(false);
    }
  });
});
