import { useMediaQuery, useStorage } from '@vueuse/core';
import { computed, watchEffect } from 'vue';

/** What a person chose: the system's theme, or one of their own. */
export type ThemeChoice = 'system' | 'light' | 'dark';

const systemIsDark = useMediaQuery('(prefers-color-scheme: dark)');

/** The choice, kept in this browser. */
export const themeChoice = useStorage<ThemeChoice>('berth.theme', 'system');
/** True when the page is dark now. */
export const isDark = computed(() =>
  themeChoice.value === 'system' ? systemIsDark.value : themeChoice.value === 'dark',
);

/** Keeps the document in the chosen theme; called once at the start. */
export function applyTheme(): void {
  watchEffect(() => {
    if (themeChoice.value === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = themeChoice.value;
  });
}
