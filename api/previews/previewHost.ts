import { isLoopback, type Config } from '#platform/config/config.ts';
import type { PreviewPlace } from '#platform/db/repositories/previews.ts';

type HostConfig = Pick<Config, 'BERTH_PUBLIC_URL' | 'BERTH_PREVIEW_DOMAIN'>;

const PLACE = /^([1-9]\d{0,4})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The domain below which previews live; null while they are off. */
export function previewDomain(config: HostConfig): string | null {
  const { BERTH_PREVIEW_DOMAIN: given } = config;
  if (given === 'off') return null;
  if (given !== '') return given;
  // Browsers take every name below localhost for this machine, and none of them for the same site as another.
  return isLoopback(config) ? 'localhost' : null;
}

/**
 * What a Host header names: a place of a preview, 'nothing' for any other name below the domain of previews, null for a
 * name that is ours to answer.
 */
export function readPreviewHost(config: HostConfig, header: string | undefined): PreviewPlace | 'nothing' | null {
  const domain = previewDomain(config);
  if (domain === null || header === undefined) return null;
  const name = header.toLowerCase().replace(/:\d*$/, '').replace(/\.+$/, '');
  if (name === new URL(config.BERTH_PUBLIC_URL).hostname || !name.endsWith(`.${domain}`)) return null;
  const [, port, uuid] = PLACE.exec(name.slice(0, -domain.length - 1)) ?? [];
  if (port === undefined || uuid === undefined || Number(port) > 65_535) return 'nothing';
  return { port: Number(port), uuid };
}

/** The origin of a preview: scheme and port of the public address. Null while previews are off. */
export function previewOrigin(config: HostConfig, { port, uuid }: PreviewPlace): string | null {
  const domain = previewDomain(config);
  if (domain === null) return null;
  const ours = new URL(config.BERTH_PUBLIC_URL);
  return `${ours.protocol}//${port}-${uuid}.${domain}${ours.port === '' ? '' : `:${ours.port}`}`;
}

/** True when a page of that origin belongs to the same session: the ports of one session may talk to each other. */
export function isSameSession(config: HostConfig, origin: string, { uuid }: PreviewPlace): boolean {
  const { port } = /^[a-z]+:\/\/(?<port>\d+)-/.exec(origin)?.groups ?? {};
  return port !== undefined && origin === previewOrigin(config, { port: Number(port), uuid });
}
