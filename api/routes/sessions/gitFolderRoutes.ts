import { z } from 'zod';
import { loadGitFolders, restoreGitFolder } from '#api/commands/sessions/gitFolders.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentGitFolder } from '#api/presenters/gitFolderPresenter.ts';
import { GitFolderParams, SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { GitFolder, GitFolderList } from '#shared/contracts/gitFolder.ts';

const area = { tag: 'sessions', auth: 'required', scope: 'files' } as const;

/** The `.git` folders that are saved with a session. */
export const gitFolderRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/git-folders',
    summary: 'The .git folders of a session, also those that were removed and can be had back for thirty days',
    params: SessionParams,
    responses: { 200: GitFolderList },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      return { status: 200, body: { items: (await loadGitFolders(deps, session)).map(presentGitFolder) } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/git-folders/{gitFolderId}/restore',
    summary: 'Put a removed .git folder back; an open session has it after its next sync',
    params: GitFolderParams,
    body: z.strictObject({}),
    responses: { 200: GitFolder },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const folder = await restoreGitFolder(deps, { session, id: params.gitFolderId });
      return { status: 200, body: presentGitFolder(folder) };
    },
  }),
];
