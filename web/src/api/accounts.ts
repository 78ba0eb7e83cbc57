import type { Page } from '#shared/contracts/problem.ts';
import type { SystemInfo } from '#shared/contracts/system.ts';
import type {
  Account,
  CreatedToken,
  CreateToken,
  Login,
  Register,
  Token,
  UpdateAccount,
} from '#shared/contracts/user.ts';
import { request } from './client.ts';

/** Facts about the installation; operators get more of them. */
export function loadSystem(): Promise<SystemInfo> {
  return request('GET', '/system');
}
/** Signs in; the cookie comes with the answer. */
export function login(body: Login): Promise<Account> {
  return request('POST', '/auth/login', { body });
}
/** Makes an account and signs it in. */
export function register(body: Register): Promise<Account> {
  return request('POST', '/auth/register', { body });
}
/** Ends this browser's session. */
export function logout(): Promise<void> {
  return request('POST', '/auth/logout');
}
/** The signed-in account. */
export function loadAccount(): Promise<Account> {
  return request('GET', '/users/me');
}
/** Changes the signed-in account's settings. */
export function updateAccount(change: UpdateAccount): Promise<Account> {
  return request('PATCH', '/users/me', { body: change });
}
/** A page of all accounts, for operators and level 4. */
export function listAccounts(cursor?: string): Promise<Page<Account>> {
  return request('GET', '/users', { query: { cursor, limit: 100 } });
}
/** Gives another account a reviewer level. */
export function setReviewerLevel(id: number, reviewerLevel: number): Promise<Account> {
  return request('PUT', `/users/${id}/reviewer-level`, { body: { reviewerLevel } });
}
/** Gives the signed-in account reviewer level 1. */
export function promoteSelf(): Promise<Account> {
  return request('POST', '/users/me/promote');
}
/** The account's tokens, without their secrets. */
export async function listTokens(): Promise<Token[]> {
  return (await request<{ items: Token[] }>('GET', '/tokens')).items;
}
/** Makes a token; its secret is in this answer and nowhere else. */
export function createToken(body: CreateToken): Promise<CreatedToken> {
  return request('POST', '/tokens', { body });
}
/** Ends a token. */
export function deleteToken(id: number): Promise<void> {
  return request('DELETE', `/tokens/${id}`);
}
