import { createRouter, createWebHistory } from 'vue-router';
import { useAccountStore } from './composables/accountStore.ts';

declare module 'vue-router' {
  interface RouteMeta {
    title: string;
    /** Open to people who are not signed in. */
    open?: boolean;
    /** Fills the window instead of scrolling. */
    fills?: boolean;
  }
}

/** The pages. Each is its own chunk, so that the login page loads no editor. */
export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', redirect: '/sessions' },
    {
      path: '/login',
      component: () => import('./features/auth/pages/LoginPage.vue'),
      meta: { title: 'Log in', open: true },
    },
    {
      path: '/register',
      component: () => import('./features/auth/pages/RegisterPage.vue'),
      meta: { title: 'Create account', open: true },
    },
    {
      path: '/sessions',
      component: () => import('./features/sessions/pages/SessionsPage.vue'),
      meta: { title: 'Sessions' },
    },
    {
      path: '/sessions/:uuid',
      component: () => import('./features/workspace/pages/WorkspacePage.vue'),
      props: true,
      meta: { title: 'Workspace', fills: true },
    },
    {
      path: '/sessions/:uuid/runs',
      component: () => import('./features/runs/pages/RunsPage.vue'),
      props: true,
      meta: { title: 'Runs' },
    },
    {
      path: '/reviews',
      component: () => import('./features/reviews/pages/ReviewQueuePage.vue'),
      meta: { title: 'Reviews' },
    },
    {
      path: '/reviews/figures',
      component: () => import('./features/reviews/pages/ReviewFiguresPage.vue'),
      meta: { title: 'How reviewing goes' },
    },
    {
      path: '/reviews/:id(\\d+)',
      component: () => import('./features/reviews/pages/ReviewPage.vue'),
      props: (route) => ({ id: Number(route.params['id']) }),
      meta: { title: 'Review', fills: true },
    },
    {
      path: '/reviews/:id(\\d+)/compare',
      component: () => import('./features/reviews/pages/ComparePage.vue'),
      props: (route) => ({ id: Number(route.params['id']) }),
      meta: { title: 'Compare', fills: true },
    },
    {
      path: '/settings',
      component: () => import('./features/settings/pages/SettingsPage.vue'),
      meta: { title: 'Settings' },
    },
    {
      path: '/:rest(.*)*',
      component: () => import('./components/NotFoundPage.vue'),
      meta: { title: 'Not found', open: true },
    },
  ],
});

router.beforeEach(async (to) => {
  const store = useAccountStore();
  await store.ensureKnown();
  if (store.signedIn && (to.path === '/login' || to.path === '/register')) return '/sessions';
  if (store.signedIn || to.meta.open) return true;
  const first = store.system?.firstAccount ? '/register' : '/login';
  return { path: first, query: to.path === '/sessions' ? {} : { next: to.fullPath } };
});

router.afterEach((to) => {
  document.title = `${to.meta.title} · Berth`;
});
