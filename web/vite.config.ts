import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Where `vite dev` finds a running api. */
const api = process.env['BERTH_PUBLIC_URL'] ?? 'http://localhost:4600';

/** Puts compressed copies beside each script and style sheet, so that the api serves them without compressing again. */
function compressAssets(): Plugin {
  return {
    name: 'berth-compress-assets',
    apply: 'build',
    writeBundle({ dir }) {
      const assets = `${dir ?? `${here}dist`}/assets`;
      for (const name of readdirSync(assets).filter((asset) => /\.(js|css)$/.test(asset))) {
        const bytes = readFileSync(`${assets}/${name}`);
        writeFileSync(`${assets}/${name}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(`${assets}/${name}.br`, brotliCompressSync(bytes));
      }
    },
  };
}

/** The page is built into web/dist and served by the api under a policy without inline scripts or styles. */
export default defineConfig({
  root: here,
  // Every component, ours and those of the libraries, uses the composition API: the other one stays out of the page.
  plugins: [vue({ features: { optionsAPI: false } }), compressAssets()],
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
