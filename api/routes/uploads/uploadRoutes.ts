import type { Request } from 'express';
import { z } from 'zod';
import { completeUpload } from '#api/commands/uploads/completeUpload.ts';
import { createUpload } from '#api/commands/uploads/createUpload.ts';
import { importArchive } from '#api/commands/archives/importArchive.ts';
import { receivePart } from '#api/commands/uploads/receivePart.ts';
import { uploadBatch } from '#api/commands/uploads/uploadBatch.ts';
import { cancelUpload, loadUploads } from '#api/commands/uploads/uploadsUnderWay.ts';
import { bytesOf, readBytes } from '#api/http/bodies.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { loadOwnUpload } from '#api/policies/uploadPolicy.ts';
import { presentCompleted, presentPlacement, presentUpload, uploadHeaders } from '#api/presenters/uploadPresenter.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import {
  BatchResult,
  CompletedUpload,
  CompleteUpload,
  CreateUpload,
  ImportArchive,
  ImportResult,
  Upload,
  UploadList,
} from '#shared/contracts/upload.ts';
import { BATCH_TYPE, MAX_BATCH_BYTES, PART_TYPE } from '#shared/domain/uploads.ts';
import { AppError } from '#shared/domain/errors.ts';

const area = { tag: 'uploads', auth: 'required', scope: 'files' } as const;
const UploadParams = z.strictObject({ uuid: z.uuid(), uploadId: z.uuid() });

/** Files and archives on their way into a session; whether it is open or not. */
export const uploadRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/uploads',
    summary: 'Your uploads into a session that are not completed',
    params: SessionParams,
    responses: { 200: UploadList },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const uploads = await loadUploads(deps, { sessionId: session.id, userId: caller.id });
      return { status: 200, body: { items: uploads.map(presentUpload) } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/uploads',
    summary: 'Begin the upload of a file or an archive; what is replaced goes into If-Match',
    params: SessionParams,
    body: CreateUpload,
    responses: { 201: CompletedUpload },
    async handler({ deps, caller, params, body, ifMatch }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const upload = await createUpload(deps, { session, userId: caller.id, wanted: body, expectedVersion: ifMatch });
      const headers = {
        ...uploadHeaders(upload),
        Location: `/api/v1/sessions/${session.uuid}/uploads/${upload.id}`,
      };
      return { status: 201, body: presentCompleted({ upload, item: null }), headers };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/uploads/batch',
    summary: 'Upload many small files at once: for each 4 bytes of length, a JSON header, and the bytes',
    bytes: BATCH_TYPE,
    params: SessionParams,
    responses: { 200: BatchResult },
    async handler({ deps, caller, params, request }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const body = await readBytes(request, MAX_BATCH_BYTES);
      const placements = await uploadBatch(deps, { session, userId: caller.id, body });
      return { status: 200, body: { outcomes: placements.map(presentPlacement) } };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/uploads/{uploadId}',
    summary: 'Where an upload stands: its next part begins at Upload-Offset',
    params: UploadParams,
    responses: { 200: Upload },
    async handler({ deps, caller, params }) {
      const { upload } = await loadOwnUpload(deps, caller, params);
      return { status: 200, body: presentUpload(upload), headers: uploadHeaders(upload) };
    },
  }),
  defineRoute({
    ...area,
    method: 'patch',
    path: '/sessions/{uuid}/uploads/{uploadId}',
    summary: 'Send bytes from Upload-Offset on; the last of them make the file',
    bytes: PART_TYPE,
    params: UploadParams,
    responses: { 200: CompletedUpload },
    async handler({ deps, caller, params, request }) {
      const { session, upload } = await loadOwnUpload(deps, caller, params);
      const announced = request.get('content-length');
      const received = await receivePart(deps, {
        upload,
        offset: readOffset(request),
        bytes: bytesOf(request),
        announced: announced === undefined ? null : Number(announced),
      });
      const isWhole = received.purpose === 'file' && received.received === received.size;
      const done = isWhole
        ? await completeUpload(deps, { session, ...pick(received), upload: received })
        : { upload: received, item: null };
      return { status: 200, body: presentCompleted(done), headers: uploadHeaders(done.upload) };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/uploads/{uploadId}/complete',
    summary: 'Try again to make the file of an upload whose bytes are all here, by another rule',
    params: UploadParams,
    body: CompleteUpload,
    responses: { 200: CompletedUpload },
    async handler({ deps, caller, params, body, ifMatch }) {
      const { session, upload } = await loadOwnUpload(deps, caller, params);
      if (upload.purpose === 'archive') {
        throw new AppError('UPLOAD_INCOMPLETE', { detail: 'This is an archive: import it.' });
      }
      const done = await completeUpload(deps, { session, upload, conflict: body.conflict, expectedVersion: ifMatch });
      return { status: 200, body: presentCompleted(done), headers: uploadHeaders(done.upload) };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/uploads/{uploadId}/import',
    summary: 'Unpack an uploaded zip, tar or tar.gz into the session, all of it or nothing',
    limit: 'expensive',
    params: UploadParams,
    body: ImportArchive,
    responses: { 200: ImportResult },
    async handler({ deps, caller, params, body }) {
      const { session, upload } = await loadOwnUpload(deps, caller, params);
      return { status: 200, body: await importArchive(deps, { session, upload, wanted: body }) };
    },
  }),
  defineRoute({
    ...area,
    method: 'delete',
    path: '/sessions/{uuid}/uploads/{uploadId}',
    summary: 'Cancel an upload; a file that it became stays',
    params: UploadParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      const { upload } = await loadOwnUpload(deps, caller, params);
      await cancelUpload(deps, upload);
      return { status: 204 };
    },
  }),
];

const pick = ({ conflict, expectedVersion }: Parameters<typeof presentUpload>[0]) => ({ conflict, expectedVersion });

/** The offset in the header Upload-Offset. Throws INVALID_INPUT. */
function readOffset(request: Request): number {
  const text = request.get('upload-offset') ?? '';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError('INVALID_INPUT', {
    detail: 'Upload-Offset must say where the bytes begin.',
    errors: [{ path: 'headers.upload-offset', message: 'expected a number of bytes' }],
  });
}
