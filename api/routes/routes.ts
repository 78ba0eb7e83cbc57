import type { Route } from '#api/http/route.ts';
import { itemRoutes } from '#api/routes/items/itemRoutes.ts';
import { reviewRoutes } from '#api/routes/reviews/reviewRoutes.ts';

/** Every route of the api. */
export const routes: Route[] = [...itemRoutes, ...reviewRoutes];
