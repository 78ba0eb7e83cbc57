import { z } from 'zod';
import {
  addressOfLink,
  createPreviewLink,
  endPreviewLink,
  listPorts,
  listSessionLinks,
  openPreview,
} from '#api/commands/previews/previews.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentPreviewLink } from '#api/presenters/previewPresenter.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import {
  CreatePreviewLink,
  OpenPreview,
  Port,
  PreviewAddress,
  PreviewLink,
  PreviewPort,
} from '#shared/contracts/preview.ts';

const port = z.coerce.number().pipe(PreviewPort);
const PortParams = z.strictObject({ uuid: z.uuid(), port });
const LinkParams = z.strictObject({ uuid: z.uuid(), port, linkId: z.uuid() });

/** What programs of a session serve, and who may see it. */
export const previewRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}/ports',
    tag: 'previews',
    summary: "The ports that the session's programs listen on now",
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    responses: { 200: z.object({ items: z.array(Port) }) },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      return { status: 200, body: { items: await listPorts(deps, session) } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/previews',
    tag: 'previews',
    summary: 'An address that lets its first visitor see a port, once and within a minute',
    auth: 'required',
    scope: 'sessions',
    secretAnswer: true,
    params: SessionParams,
    body: OpenPreview,
    responses: { 201: PreviewAddress },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      return { status: 201, body: { address: await openPreview(deps, caller, { session, wanted: body }) } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/previews/{port}/links',
    tag: 'previews',
    summary: 'A link by which whoever has it sees a port, for up to seven days',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    secretAnswer: true,
    params: PortParams,
    body: CreatePreviewLink,
    responses: { 201: PreviewLink },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      requireWorkspace(session, 'shared');
      const wanted = { session, port: params.port, seconds: body.expiresInSeconds };
      const link = await createPreviewLink(deps, caller, wanted);
      return { status: 201, body: presentPreviewLink(link, addressOfLink(deps, session, link)) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}/preview-links',
    tag: 'previews',
    summary: "The share links of a session's ports, newest first; those that ended in the last week too",
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    responses: { 200: z.object({ items: z.array(PreviewLink) }) },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const links = await listSessionLinks(deps, session);
      return {
        status: 200,
        body: { items: links.map((link) => presentPreviewLink(link, addressOfLink(deps, session, link))) },
      };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/previews/{port}/links/{linkId}/revoke',
    tag: 'previews',
    summary: 'End a share link, and within 5 s everything that was opened by it',
    auth: 'required',
    scope: 'sessions',
    params: LinkParams,
    responses: { 200: PreviewLink },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const link = await endPreviewLink(deps, { session, port: params.port, id: params.linkId });
      return { status: 200, body: presentPreviewLink(link, null) };
    },
  }),
];
