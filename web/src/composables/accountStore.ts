import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import type { SystemInfo } from '#shared/contracts/system.ts';
import type { Account, Login, Register, UpdateAccount } from '#shared/contracts/user.ts';
import * as accounts from '../api/accounts.ts';
import { isApiError } from '../api/problem.ts';
import { connectSockets, disconnectSockets } from '../api/sockets.ts';

/** Who is signed in, and what the installation says about itself. */
export const useAccountStore = defineStore('account', () => {
  const account = ref<Account | null>(null);
  const system = ref<SystemInfo | null>(null);
  const known = ref(false);
  const signedIn = computed(() => account.value !== null);

  /** Finds out once who is signed in. Throws when the api does not answer. */
  async function ensureKnown(): Promise<void> {
    if (known.value) return;
    const [found, info] = await Promise.all([loadAccountOrNull(), accounts.loadSystem()]);
    account.value = found;
    system.value = info;
    known.value = true;
    if (found) connectSockets();
  }

  /** Signs in. Throws BAD_CREDENTIALS and RATE_LIMITED. */
  async function login(body: Login): Promise<void> {
    await enter(await accounts.login(body));
  }
  /** Makes an account and signs it in. */
  async function register(body: Register): Promise<void> {
    await enter(await accounts.register(body));
  }
  /** Ends this browser's session. */
  async function logout(): Promise<void> {
    await accounts.logout();
    forget();
  }
  /** Gives oneself reviewer level 1. */
  async function promote(): Promise<void> {
    account.value = await accounts.promoteSelf();
  }
  /** Changes one's own settings. */
  async function change(settings: UpdateAccount): Promise<void> {
    account.value = await accounts.updateAccount(settings);
  }
  /** The api says that nobody is signed in any more. */
  function forget(): void {
    account.value = null;
    disconnectSockets();
  }

  async function enter(entered: Account): Promise<void> {
    account.value = entered;
    known.value = true;
    connectSockets();
    system.value = await accounts.loadSystem();
  }

  return { account, system, signedIn, ensureKnown, login, register, logout, promote, change, forget };
});

async function loadAccountOrNull(): Promise<Account | null> {
  try {
    return await accounts.loadAccount();
  } catch (error) {
    if (isApiError(error, 'NOT_AUTHENTICATED')) return null;
    throw error;
  }
}
