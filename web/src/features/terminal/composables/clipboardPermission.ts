import { ref, type Ref } from 'vue';

/** What a person said about programs of a session that write to the clipboard. */
export type ClipboardPermission = 'ask' | 'allowed' | 'refused';

const known = new Map<string, Ref<ClipboardPermission>>();

/**
 * The word of this window on one session's programs, for all its terminals. Kept over reloads of the window, and no
 * longer: another window is asked again.
 */
export function clipboardPermission(sessionUuid: string): Ref<ClipboardPermission> {
  const found = known.get(sessionUuid);
  if (found) return found;
  const kept = sessionStorage.getItem(keyOf(sessionUuid));
  const made = ref<ClipboardPermission>(kept === 'allowed' || kept === 'refused' ? kept : 'ask');
  known.set(sessionUuid, made);
  return made;
}

/** Remembers the word. */
export function rememberClipboard(sessionUuid: string, permission: ClipboardPermission): void {
  clipboardPermission(sessionUuid).value = permission;
  sessionStorage.setItem(keyOf(sessionUuid), permission);
}

const keyOf = (sessionUuid: string): string => `berth.clipboard.${sessionUuid}`;
