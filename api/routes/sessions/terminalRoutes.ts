import { z } from 'zod';
import { closeTerminal, listTerminals, openTerminal, renameTerminal } from '#api/commands/terminals.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentTerminal } from '#api/presenters/terminalPresenter.ts';
import { SessionParams, TerminalParams } from '#api/routes/sessions/sessionParams.ts';
import { CreateTerminal, RenameTerminal, Terminal } from '#shared/contracts/terminal.ts';

/** The terminals of an open session; typing goes over the socket /terminal. */
export const terminalRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/sessions/{uuid}/terminals',
    tag: 'terminals',
    summary: 'The terminals of an open session',
    auth: 'required',
    scope: 'sessions',
    params: SessionParams,
    responses: { 200: z.object({ items: z.array(Terminal) }) },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const terminals = await listTerminals(deps, session);
      return { status: 200, body: { items: terminals.map(presentTerminal) } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/terminals',
    tag: 'terminals',
    summary: 'Start a shell in a new terminal',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: SessionParams,
    body: CreateTerminal,
    responses: { 201: Terminal },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      return { status: 201, body: presentTerminal(await openTerminal(deps, session, body)) };
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/sessions/{uuid}/terminals/{terminalId}',
    tag: 'terminals',
    summary: 'Rename a terminal',
    auth: 'required',
    scope: 'sessions',
    params: TerminalParams,
    body: RenameTerminal,
    responses: { 200: Terminal },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const terminal = await renameTerminal(deps, session, { id: params.terminalId, name: body.name });
      return { status: 200, body: presentTerminal(terminal) };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/sessions/{uuid}/terminals/{terminalId}',
    tag: 'terminals',
    summary: 'End a terminal and what runs in it',
    auth: 'required',
    scope: 'sessions',
    params: TerminalParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      await closeTerminal(deps, session, params.terminalId);
      return { status: 204 };
    },
  }),
];
