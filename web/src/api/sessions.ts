import type { Page } from '#shared/contracts/problem.ts';
import type { Recording } from '#shared/contracts/recording.ts';
import type { Accepted, CreateSession, Session } from '#shared/contracts/session.ts';
import type { CreateTerminal, Terminal } from '#shared/contracts/terminal.ts';
import { request, requestText } from './client.ts';

const at = (uuid: string) => `/sessions/${encodeURIComponent(uuid)}`;

/** A page of the signed-in person's sessions, newest first. */
export function listSessions(cursor?: string): Promise<Page<Session>> {
  return request('GET', '/sessions', { query: { cursor, limit: 100 } });
}
/** Makes a session with starter files, as a copy, or from a template. */
export function createSession(body: CreateSession): Promise<Session> {
  return request('POST', '/sessions', { body });
}
/** One session; NOT_FOUND for somebody else's. */
export function loadSession(uuid: string, signal?: AbortSignal): Promise<Session> {
  return request('GET', at(uuid), signal ? { signal } : {});
}
/** Gives a session another name. */
export function renameSession(uuid: string, name: string): Promise<Session> {
  return request('PATCH', at(uuid), { body: { name } });
}
/** Puts a session into the trash, where it stays 30 days. */
export function deleteSession(uuid: string): Promise<void> {
  return request('DELETE', at(uuid));
}
/** Asks for the session to be opened; it is carried out even when servers stop meanwhile. */
export function openSession(uuid: string): Promise<Accepted> {
  return request('POST', `${at(uuid)}/open`);
}
/** Asks for the session to be closed; its files are saved first. */
export function closeSession(uuid: string): Promise<Accepted> {
  return request('POST', `${at(uuid)}/close`);
}
/** Tries again to clone the repository that the session was made from. */
export function cloneAgain(uuid: string): Promise<void> {
  return request('POST', `${at(uuid)}/clone`, { body: {} });
}
/** Gives up what is on a disk that is out of reach, and opens the session from the newest save. */
export function discardAndReopen(uuid: string): Promise<Accepted> {
  return request('POST', `${at(uuid)}/discard-and-reopen`, { body: { confirm: 'discard' } });
}
/** Gives up what is on the kept disk of a closed session. */
export function discardKept(uuid: string): Promise<Accepted> {
  return request('POST', `${at(uuid)}/discard`, { body: { confirm: 'discard' } });
}
/** Tries again to save what is on the kept disk of a closed session. */
export function retrySave(uuid: string): Promise<Accepted> {
  return request('POST', `${at(uuid)}/retry-save`);
}
/** Holds the session open without activity for so many minutes. */
export function extendSession(uuid: string, minutes: number): Promise<Accepted> {
  return request('POST', `${at(uuid)}/extend`, { body: { minutes } });
}
/** The terminals that run in the session. */
export async function listTerminals(uuid: string): Promise<Terminal[]> {
  return (await request<{ items: Terminal[] }>('GET', `${at(uuid)}/terminals`)).items;
}
/** Starts a terminal. */
export function createTerminal(uuid: string, body: CreateTerminal): Promise<Terminal> {
  return request('POST', `${at(uuid)}/terminals`, { body });
}
/** Gives a terminal another name. */
export function renameTerminal(uuid: string, id: string, name: string): Promise<void> {
  return request('PATCH', `${at(uuid)}/terminals/${encodeURIComponent(id)}`, { body: { name } });
}
/** Ends a terminal and what runs in it. */
export function closeTerminal(uuid: string, id: string): Promise<void> {
  return request('DELETE', `${at(uuid)}/terminals/${encodeURIComponent(id)}`);
}
/** The recordings of the session's terminals, newest first. */
export async function listRecordings(uuid: string): Promise<Recording[]> {
  return (await request<{ items: Recording[] }>('GET', `${at(uuid)}/recordings`)).items;
}
/** Records a terminal from now on. */
export function startRecording(
  uuid: string,
  { terminalId, withInput }: { terminalId: string; withInput: boolean },
): Promise<Recording> {
  const address = `${at(uuid)}/terminals/${encodeURIComponent(terminalId)}/recordings`;
  return request('POST', address, { body: { withInput } });
}
/** Ends a recording. */
export function stopRecording(uuid: string, id: string): Promise<Recording> {
  return request('POST', `${at(uuid)}/recordings/${id}/stop`);
}
/** Removes a recording. */
export function removeRecording(uuid: string, id: string): Promise<void> {
  return request('DELETE', `${at(uuid)}/recordings/${id}`);
}
/** Where a recording is downloaded from. */
export function recordingAddress(uuid: string, id: string): string {
  return `/api/v1${at(uuid)}/recordings/${id}/content`;
}
/** The asciicast of a recording that has ended. */
export function loadRecording(uuid: string, id: string): Promise<string> {
  return requestText(`${at(uuid)}/recordings/${id}/content`);
}
