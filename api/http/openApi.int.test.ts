import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startTestApi, type TestApi } from '#tests/support/testApi.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('openapi.json', () => {
  it('describes every route of the api, its contract and who may call it', async () => {
    const { body } = await api.send('GET', '/api/v1/openapi.json');
    const described = Object.entries(body.paths as Record<string, Record<string, unknown>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(api.api.routes.map(({ method, path }) => `${method} /api/v1${path}`).sort());
    const create = body.paths['/api/v1/sessions'].post;
    const rename = body.paths['/api/v1/sessions/{uuid}'].patch;
    expect(rename.requestBody.content['application/json'].schema.required).toEqual(['name']);
    expect(create.requestBody.content['application/json'].schema.properties).toHaveProperty('from');
    expect(create.responses[201].content['application/json'].schema.properties.phase.enum).toContain('running');
    expect(create.responses.default.content['application/problem+json'].schema.required).toContain('code');
    expect(create.security).toEqual([{ cookie: [] }, { token: [] }]);
    expect(body.paths['/api/v1/tokens'].post.security).toEqual([{ cookie: [] }]);
  });
});

describe('the page to try it', () => {
  it('is our own, without inline scripts, and everything it loads is there', async () => {
    const page = await api.send('GET', '/api/docs');
    expect(page.status).toBe(200);
    expect(page.body).not.toMatch(/<script>|<style>| on\w+=| style=/);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const loaded = [...(page.body as string).matchAll(/(?:src|href)="(\/api\/[^"]+)"/g)].map((match) => match[1]!);
    expect(loaded).toHaveLength(3);
    for (const path of loaded) expect((await api.send('GET', path)).status).toBe(200);
    expect((await api.send('GET', '/api/docs/')).status).toBe(200);
    expect((await api.send('GET', '/api/docs/nothing.js')).body.code).toBe('NOT_FOUND');
    expect((await api.send('GET', '/api/docs/..%2fcreateApi.ts')).status).toBe(404);
  });
});

describe('the page', () => {
  const isBuilt = existsSync(fileURLToPath(new URL('../../web/dist/index.html', import.meta.url)));
  const whenBuilt = isBuilt ? it : it.skip;

  whenBuilt('is sent for every address of its own with a nonce for this answer alone', async () => {
    const html = { headers: { accept: 'text/html' } };
    const [one, other] = [await api.send('GET', '/', html), await api.send('GET', '/sessions/some/where', html)];
    for (const page of [one, other]) {
      const nonce = /'nonce-([^']+)'/.exec(page.headers.get('content-security-policy')!)![1]!;
      expect(page.status).toBe(200);
      expect(page.body).toContain(`nonce="${nonce}"`);
      expect(page.body).not.toContain('__CSP_NONCE__');
      expect(page.headers.get('cache-control')).toBe('no-cache');
    }
    expect(one.headers.get('content-security-policy')).not.toBe(other.headers.get('content-security-policy'));
    const asset = /src="(\/assets\/[^"]+)"/.exec(one.body as string)![1]!;
    expect((await api.send('GET', asset)).headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('is not sent in place of a missing asset or of data', async () => {
    expect((await api.send('GET', '/assets/gone-12345.js')).status).toBe(404);
    const answer = await api.send('GET', '/sessions', { headers: { accept: 'application/json' } });
    expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND']);
  });
});
