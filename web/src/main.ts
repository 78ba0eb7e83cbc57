import './strictZod.ts';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { onSignedOut } from './api/client.ts';
import { useAccountStore } from './composables/accountStore.ts';
import { applyTheme } from './composables/theme.ts';
import { router } from './router.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';

applyTheme();
createApp(App).use(createPinia()).use(router).mount('#app');

onSignedOut(() => {
  const store = useAccountStore();
  if (!store.signedIn) return;
  store.forget();
  void router.push({ path: '/login', query: { next: router.currentRoute.value.fullPath } });
});
