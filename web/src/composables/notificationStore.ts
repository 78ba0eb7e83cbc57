import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { Notification } from '#shared/contracts/notification.ts';
import { listNotifications, readNotification, readNotificationsUpTo } from '../api/notifications.ts';
import { onNotifications } from '../api/sockets.ts';
import { useAccountStore } from './accountStore.ts';
import { groupBySubject } from './notificationGroups.ts';
import { useAction } from './useAction.ts';
import { useLoad } from './useLoad.ts';

/** What the signed-in person was told, kept up to date by the events socket. */
export const useNotifications = defineStore('notifications', () => {
  const account = useAccountStore();
  const further = shallowRef<Notification[]>([]);
  const nextCursor = ref<string | null>(null);
  const first = useLoad(async () => {
    const page = await listNotifications();
    further.value = [];
    nextCursor.value = page.nextCursor;
    return page;
  });
  const items = computed(() => [...(first.value.value?.items ?? []), ...further.value]);
  const unread = computed(() => first.value.value?.unread ?? 0);
  const groups = computed(() => groupBySubject(items.value));

  const more = useAction(async () => {
    if (nextCursor.value === null) return;
    const page = await listNotifications(nextCursor.value);
    further.value = [...further.value, ...page.items];
    nextCursor.value = page.nextCursor;
  });
  const reading = useAction(async (some: readonly Notification[]) => {
    for (const { id, readAt } of some) if (readAt === null) await readNotification(id);
    await first.reload();
  });
  const readingAll = useAction(async () => {
    const newest = items.value[0];
    if (newest === undefined) return;
    await readNotificationsUpTo(newest.id);
    await first.reload();
  });

  onNotifications(() => void (account.signedIn && first.reload()));
  watch(
    () => account.account?.id ?? null,
    (id) => {
      first.stop();
      first.value.value = null;
      further.value = [];
      if (id !== null) void first.reload();
    },
    { immediate: true },
  );

  return {
    groups,
    unread,
    hasMore: computed(() => nextCursor.value !== null),
    firstLoad: first.firstLoad,
    error: first.error,
    reload: first.reload,
    more,
    reading,
    readingAll,
  };
});
