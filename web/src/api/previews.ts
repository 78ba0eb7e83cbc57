import type { Port, PreviewAddress, PreviewLink } from '#shared/contracts/preview.ts';
import { request } from './client.ts';

const at = (uuid: string) => `/sessions/${encodeURIComponent(uuid)}`;

/** The ports that the session's programs listen on now. */
export async function listPorts(uuid: string): Promise<Port[]> {
  return (await request<{ items: Port[] }>('GET', `${at(uuid)}/ports`)).items;
}
/** An address that lets its first visitor see a port, once and within a minute. */
export async function createPreview(uuid: string, wanted: { port: number; path: string }): Promise<string> {
  return (await request<PreviewAddress>('POST', `${at(uuid)}/previews`, { body: wanted })).address;
}
/** The share links of the session's ports, newest first. */
export async function listPreviewLinks(uuid: string): Promise<PreviewLink[]> {
  return (await request<{ items: PreviewLink[] }>('GET', `${at(uuid)}/preview-links`)).items;
}
/** Makes a link by which whoever has it sees a port for so long. */
export function createPreviewLink(
  uuid: string,
  { port, expiresInSeconds }: { port: number; expiresInSeconds: number },
): Promise<PreviewLink> {
  return request('POST', `${at(uuid)}/previews/${port}/links`, { body: { expiresInSeconds } });
}
/** Ends a share link. */
export function revokePreviewLink(uuid: string, { port, id }: Pick<PreviewLink, 'port' | 'id'>): Promise<PreviewLink> {
  return request('POST', `${at(uuid)}/previews/${port}/links/${id}/revoke`);
}
