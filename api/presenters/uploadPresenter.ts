import { presentItem } from '#api/presenters/itemPresenter.ts';
import type { BatchOutcome, CompletedUpload, Upload } from '#shared/contracts/upload.ts';
import type { Placement } from '#shared/domain/arrivals.ts';
import type { ItemRecord } from '#platform/db/repositories/items.ts';
import type { UploadRecord } from '#platform/db/repositories/uploads.ts';

/** An upload without its bytes. */
export function presentUpload(upload: UploadRecord): Upload {
  return {
    id: upload.id,
    purpose: upload.purpose,
    path: upload.path,
    size: upload.size,
    offset: upload.received,
    conflict: upload.conflict,
    itemId: upload.itemId,
    completedAt: upload.completedAt?.toISOString() ?? null,
    createdAt: upload.createdAt.toISOString(),
  };
}

/** An upload with the item that it became. */
export function presentCompleted({ upload, item }: { upload: UploadRecord; item: ItemRecord | null }): CompletedUpload {
  return { ...presentUpload(upload), item: item && presentItem(item) };
}

/** Where an upload stands, in the headers of tus. */
export function uploadHeaders(upload: UploadRecord): Record<string, string> {
  return { 'Upload-Offset': String(upload.received), 'Upload-Length': String(upload.size) };
}

/** What became of one file of a batch. */
export function presentPlacement(placement: Placement): BatchOutcome {
  const { path, outcome } = placement;
  if (placement.outcome !== 'refused') return { path, outcome, code: null, reason: null, present: null };
  const { code, reason, present } = placement;
  return {
    path,
    outcome,
    code,
    reason,
    present: present && {
      id: present.id,
      version: present.version,
      type: present.type,
      size: present.size,
      sha256: present.sha256,
    },
  };
}
