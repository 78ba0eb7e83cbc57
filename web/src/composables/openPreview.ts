import { createPreview } from '../api/previews.ts';

/** The port and path of an address on the machine that a program believes to be on; null for every other address. */
export function localPlace(address: string): { port: number; path: string } | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  const isLocal = ['localhost', '127.0.0.1', '0.0.0.0', '[::1]', '[::]'].includes(url.hostname);
  if (url.protocol !== 'http:' || !isLocal) return null;
  return { port: Number(url.port || 80), path: url.pathname.replace(/^\/+/, '/') + url.search };
}

/** Shows a port of the session in a new tab. Rejects, and closes the tab, when that cannot be. */
export async function showPort(uuid: string, place: { port: number; path: string }): Promise<void> {
  // At once: after an answer browsers would take it for a window that nobody asked for.
  const tab = window.open('', '_blank');
  if (tab) tab.opener = null;
  try {
    const address = await createPreview(uuid, place);
    if (tab) tab.location.replace(address);
    else window.location.assign(address);
  } catch (error) {
    tab?.close();
    throw error;
  }
}
