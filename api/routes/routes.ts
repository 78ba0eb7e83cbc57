import type { Route } from '#api/http/route.ts';
import { archiveRoutes } from '#api/routes/archives/archiveRoutes.ts';
import { authRoutes } from '#api/routes/auth/authRoutes.ts';
import { itemRoutes } from '#api/routes/items/itemRoutes.ts';
import { notificationRoutes } from '#api/routes/notifications/notificationRoutes.ts';
import { previewRoutes } from '#api/routes/previews/previewRoutes.ts';
import { reviewRoutes } from '#api/routes/reviews/reviewRoutes.ts';
import { searchRoutes } from '#api/routes/search/searchRoutes.ts';
import { gitFolderRoutes } from '#api/routes/sessions/gitFolderRoutes.ts';
import { restoreRoutes } from '#api/routes/restores/restoreRoutes.ts';
import { runRoutes } from '#api/routes/runs/runRoutes.ts';
import { cloneRoutes } from '#api/routes/sessions/cloneRoutes.ts';
import { lifecycleRoutes } from '#api/routes/sessions/lifecycleRoutes.ts';
import { sessionRoutes } from '#api/routes/sessions/sessionRoutes.ts';
import { recordingRoutes } from '#api/routes/sessions/recordingRoutes.ts';
import { terminalRoutes } from '#api/routes/sessions/terminalRoutes.ts';
import { trashedSessionRoutes } from '#api/routes/sessions/trashedSessionRoutes.ts';
import { systemRoutes } from '#api/routes/system/systemRoutes.ts';
import { templateRoutes } from '#api/routes/templates/templateRoutes.ts';
import { tokenRoutes } from '#api/routes/tokens/tokenRoutes.ts';
import { uploadRoutes } from '#api/routes/uploads/uploadRoutes.ts';
import { userRoutes } from '#api/routes/users/userRoutes.ts';
import { warmPoolRoutes } from '#api/routes/warmPool/warmPoolRoutes.ts';

/** Every route of the api; what is not here does not exist. */
export const routes: Route[] = [
  ...authRoutes,
  ...userRoutes,
  ...tokenRoutes,
  ...systemRoutes,
  ...warmPoolRoutes,
  ...sessionRoutes,
  ...templateRoutes,
  ...trashedSessionRoutes,
  ...lifecycleRoutes,
  ...gitFolderRoutes,
  ...cloneRoutes,
  ...terminalRoutes,
  ...runRoutes,
  ...recordingRoutes,
  ...previewRoutes,
  ...itemRoutes,
  ...searchRoutes,
  ...restoreRoutes,
  ...uploadRoutes,
  ...archiveRoutes,
  ...reviewRoutes,
  ...notificationRoutes,
];
