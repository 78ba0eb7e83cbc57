import { z } from 'zod';
import {
  listSessionRecordings,
  readRecordingContent,
  removeRecording,
  startRecording,
  stopRecording,
} from '#api/commands/recordings/recordings.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentRecording } from '#api/presenters/recordingPresenter.ts';
import { attachmentOf, DOWNLOAD_HEADERS } from '#api/routes/items/versionRoutes.ts';
import { RecordingParams, SessionParams, TerminalParams } from '#api/routes/sessions/sessionParams.ts';
import { Recording, StartRecording } from '#shared/contracts/recording.ts';

/** Recordings of terminals as asciicasts (version 2). */
export const recordingRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/terminals/{terminalId}/recordings',
    tag: 'recordings',
    summary: 'Record a terminal from now on, until it is stopped or reaches a limit of size or time',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: TerminalParams,
    body: StartRecording,
    responses: { 201: Recording },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const wanted = { session, terminalId: params.terminalId, withInput: body.withInput };
      return { status: 201, body: presentRecording(await startRecording(deps, caller, wanted)) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}/recordings',
    tag: 'recordings',
    summary: "The recordings of a session's terminals, newest first",
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    responses: { 200: z.object({ items: z.array(Recording) }) },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const recordings = await listSessionRecordings(deps, session);
      return { status: 200, body: { items: recordings.map(presentRecording) } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/recordings/{recordingId}/stop',
    tag: 'recordings',
    summary: 'End a recording; one that has ended stays as it is',
    auth: 'required',
    scope: 'sessions',
    params: RecordingParams,
    responses: { 200: Recording },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      return { status: 200, body: presentRecording(await stopRecording(deps, { session, id: params.recordingId })) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}/recordings/{recordingId}/content',
    tag: 'recordings',
    summary: 'The asciicast of a recording that has ended, as an attachment',
    auth: 'required',
    scope: 'sessions',
    params: RecordingParams,
    responses: { 200: null },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const { recording, content } = await readRecordingContent(deps, { session, id: params.recordingId });
      const name = `${recording.terminalName} ${recording.startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}.cast`;
      return {
        status: 200,
        stream: content,
        headers: { ...DOWNLOAD_HEADERS, 'Content-Disposition': attachmentOf(name) },
      };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/sessions/{uuid}/recordings/{recordingId}',
    tag: 'recordings',
    summary: 'Remove a recording, and end it if it is under way',
    auth: 'required',
    scope: 'sessions',
    params: RecordingParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      await removeRecording(deps, { session, id: params.recordingId });
      return { status: 204 };
    },
  }),
];
