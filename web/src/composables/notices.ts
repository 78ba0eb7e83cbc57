import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { ApiError } from '../api/problem.ts';

/** A short message that goes away by itself; a problem stays longer. */
export interface Notice {
  id: number;
  kind: 'done' | 'info' | 'problem';
  title: string;
  detail: string;
}

/** Milliseconds that a notice stays: long enough to read, longer for a problem. */
const SHOWN_MS = { done: 4_000, info: 7_000, problem: 10_000 } as const;
/** More at once would cover the page. */
const MAX_NOTICES = 4;

/** Notices on the edge of the page. */
export const useNotices = defineStore('notices', () => {
  const notices = ref<Notice[]>([]);
  let lastId = 0;

  function add(kind: Notice['kind'], title: string, detail = ''): void {
    lastId += 1;
    const id = lastId;
    notices.value = [...notices.value.slice(1 - MAX_NOTICES), { id, kind, title, detail }];
    setTimeout(() => dismiss(id), SHOWN_MS[kind]);
  }
  function dismiss(id: number): void {
    notices.value = notices.value.filter((notice) => notice.id !== id);
  }

  return {
    notices,
    dismiss,
    done: (title: string, detail?: string) => add('done', title, detail),
    info: (title: string, detail?: string) => add('info', title, detail),
    problem: (error: ApiError) => add('problem', error.message, error.detail),
  };
});
