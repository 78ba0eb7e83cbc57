import type {
  BatchHeader,
  BatchOutcome,
  BatchResult,
  CompletedUpload,
  CreateUpload,
  ImportArchive,
  ImportResult,
  Upload,
} from '#shared/contracts/upload.ts';
import { BATCH_TYPE, PART_TYPE } from '#shared/domain/uploads.ts';
import { request } from './client.ts';

const at = (uuid: string) => `/sessions/${encodeURIComponent(uuid)}/uploads`;

/** What a request of an upload carries beside its contents. */
export interface SendOptions {
  signal: AbortSignal;
  /** One for all tries of the same request. */
  key?: string;
}

/** Begins an upload; `version` is the one that may be replaced. Throws NAME_TAKEN with what is there. */
export function beginUpload(
  uuid: string,
  body: Partial<CreateUpload> & Pick<CreateUpload, 'path' | 'size'>,
  options: SendOptions & { version?: number },
): Promise<Upload> {
  return request('POST', at(uuid), { body, ...options });
}
/** Where an upload stands. */
export function loadUpload(uuid: string, id: string, signal: AbortSignal): Promise<Upload> {
  return request('GET', `${at(uuid)}/${id}`, { signal });
}
/** Sends what follows the offset; the last bytes of a file make it. Throws UPLOAD_OFFSET with where to go on. */
export function sendPart(
  uuid: string,
  part: { id: string; offset: number; data: Blob },
  signal: AbortSignal,
): Promise<CompletedUpload> {
  const bytes = { data: part.data, type: PART_TYPE, offset: part.offset };
  return request('PATCH', `${at(uuid)}/${part.id}`, { bytes, signal });
}
/** Removes an upload with its bytes. */
export function cancelUpload(uuid: string, id: string): Promise<void> {
  return request('DELETE', `${at(uuid)}/${id}`);
}
/** Uploads small files by one request; an outcome for each, in their order. */
export async function sendBatch(
  uuid: string,
  files: readonly { header: Omit<BatchHeader, 'size'>; file: Blob | null }[],
  options: SendOptions,
): Promise<BatchOutcome[]> {
  const parts = files.flatMap(({ header, file }) => {
    const json = new TextEncoder().encode(JSON.stringify({ ...header, size: file?.size ?? 0 }));
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, json.length);
    return [length, json, ...(file ? [file] : [])];
  });
  const bytes = { data: new Blob(parts), type: BATCH_TYPE };
  return (await request<BatchResult>('POST', `${at(uuid)}/batch`, { bytes, ...options })).outcomes;
}
/** Unpacks an uploaded archive. Throws ARCHIVE_REFUSED with the list of what cannot be imported. */
export function importArchive(
  uuid: string,
  id: string,
  { body, ...options }: SendOptions & { body: Partial<ImportArchive> },
): Promise<ImportResult> {
  return request('POST', `${at(uuid)}/${id}/import`, { body, ...options });
}
/** The address of a folder as a zip; without one of the whole session. */
export function archiveAddress(uuid: string, folderId?: number): string {
  const query = folderId === undefined ? '' : `?folderId=${folderId}`;
  return `/api/v1/sessions/${encodeURIComponent(uuid)}/archive${query}`;
}
