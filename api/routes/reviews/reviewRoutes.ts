import type { Route } from '#api/http/route.ts';

/** The routes of this resource. */
export const reviewRoutes: Route[] = [];
