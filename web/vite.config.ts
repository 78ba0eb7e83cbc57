import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Where `vite dev` finds a running api. */
const api = process.env['BERTH_PUBLIC_URL'] ?? 'http://localhost:4600';

/** The page is built into web/dist and served by the api under a policy without inline scripts or styles. */
export default defineConfig({
  root: here,
  plugins: [vue()],
  // The api puts each answer's nonce in this place; see src/composables/styleNonce.ts.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: `${here}dist`,
    emptyOutDir: true,
    target: 'es2023',
    // A data: font or image would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { '/api': { target: api, changeOrigin: true }, '/socket.io': { target: api, ws: true, changeOrigin: true } },
  },
});
