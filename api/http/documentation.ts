import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';
import { API_PREFIX } from '#api/http/mountRoutes.ts';
import { describeRoutes } from '#api/http/openApi.ts';
import type { Route } from '#api/http/route.ts';
import { VERSION } from '#api/http/version.ts';

const PAGE_FOLDER = fileURLToPath(new URL('../docs', import.meta.url));

/** `/api/v1/openapi.json`, and `/api/docs`: a page of our own that lists the routes and sends requests. */
export function createDocumentation(routes: Route[]): Router {
  const router = Router();
  const document = describeRoutes(routes, VERSION);
  router.get(`${API_PREFIX}/openapi.json`, (_request, response) => {
    response.set('Cache-Control', 'no-cache').json(document);
  });
  router.use('/api/docs', express.static(PAGE_FOLDER, { redirect: false, maxAge: 0 }));
  router.get('/api/docs', (_request, response, next) => {
    response.sendFile('index.html', { root: PAGE_FOLDER }, (error?: Error) => error && next(error));
  });
  return router;
}
