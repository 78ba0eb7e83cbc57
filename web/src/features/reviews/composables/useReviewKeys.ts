import { useEventListener } from '@vueuse/core';
import { nextTick } from 'vue';
import { actionOfKey, neighbour, type KeyPress, type ReviewKeyAction } from './reviewKeys.ts';

/** What only the page can do. */
export interface ReviewKeyTargets {
  goToFile(step: 1 | -1): void;
  toggleViewed(): void;
  /** Shows the discussion where the page shows one thing at a time. */
  showTalk(): void;
  help(): void;
}

/** The keys of the review page, while it is shown. */
export function useReviewKeys(targets: ReviewKeyTargets): void {
  const actions: Readonly<Record<ReviewKeyAction, () => unknown>> = {
    nextFile: () => targets.goToFile(1),
    previousFile: () => targets.goToFile(-1),
    nextThread: () => goToThread(targets, 1),
    previousThread: () => goToThread(targets, -1),
    comment: () => commentOnWhole(targets),
    reply: () => focusedThread()?.querySelector<HTMLElement>('[data-key="r"]')?.click(),
    toggleViewed: () => targets.toggleViewed(),
    help: () => targets.help(),
  };
  useEventListener(window, 'keydown', (event: KeyboardEvent) => {
    const action = actionOfKey({ ...pick(event), place: placeOf(event.target) });
    if (action === null) return;
    event.preventDefault();
    actions[action]();
  });
}

function pick({ key, ctrlKey, metaKey, altKey, defaultPrevented }: KeyboardEvent): Omit<KeyPress, 'place'> {
  return { key, ctrlKey, metaKey, altKey, defaultPrevented };
}

/** The frozen code takes no typing, though the browser thinks that it could; the field of its search does. */
function placeOf(target: EventTarget | null): KeyPress['place'] {
  if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return 'dialog';
  if (!(target instanceof HTMLElement)) return 'page';
  const typing = target.matches('input, textarea, select') || target.isContentEditable;
  return typing && !target.matches('.cm-content') ? 'field' : 'page';
}

function focusedThread(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>('article.thread') ?? null;
}

async function goToThread(targets: ReviewKeyTargets, step: 1 | -1): Promise<void> {
  targets.showTalk();
  await nextTick();
  const threads = [...document.querySelectorAll<HTMLElement>('aside article.thread')];
  const thread = neighbour(threads, focusedThread(), step);
  thread?.setAttribute('tabindex', '-1');
  thread?.focus();
}

async function commentOnWhole(targets: ReviewKeyTargets): Promise<void> {
  targets.showTalk();
  await nextTick();
  document.querySelector<HTMLElement>('aside [data-key="c"] textarea')?.focus();
}
