import type { Page } from '#shared/contracts/problem.ts';
import type { CreateRun, Run, RunReceipt } from '#shared/contracts/run.ts';
import { request } from './client.ts';

const at = (uuid: string) => `/sessions/${encodeURIComponent(uuid)}/runs`;

/** What a person fills in for a new run; the rest has defaults. */
export type WantedRun = Partial<CreateRun>;

/** A page of the runs of a session, newest first. */
export function listRuns(uuid: string, cursor?: string): Promise<Page<Run>> {
  return request('GET', at(uuid), { query: { cursor, limit: 50 } });
}
/** Runs a command or a file; a session that is closed is opened for it. */
export function createRun(uuid: string, body: WantedRun): Promise<Run> {
  return request('POST', at(uuid), { body });
}
/** A run, with its outputs once it has ended. */
export function loadRun(uuid: string, id: number): Promise<RunReceipt> {
  return request('GET', `${at(uuid)}/${id}`);
}
/** Ends a run with everything that it started. */
export function cancelRun(uuid: string, id: number): Promise<Run> {
  return request('POST', `${at(uuid)}/${id}/cancel`, { body: {} });
}
