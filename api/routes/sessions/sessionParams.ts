import { z } from 'zod';

/** The session in an address. */
export const SessionParams = z.strictObject({ uuid: z.uuid() });

/** A `.git` folder of a session in an address. */
export const GitFolderParams = z.strictObject({
  uuid: z.uuid(),
  gitFolderId: z.coerce.number().pipe(z.int().positive()),
});
/** A recording of a session in an address. */
export const RecordingParams = z.strictObject({ uuid: z.uuid(), recordingId: z.uuid() });

/** A terminal of a session in an address. */
export const TerminalParams = z.strictObject({
  uuid: z.uuid(),
  terminalId: z.string().regex(/^[\w-]{1,64}$/, 'is not the id of a terminal'),
});

/** A run of a session in an address. */
export const RunParams = z.strictObject({
  uuid: z.uuid(),
  runId: z.coerce.number().int().positive().max(2_147_483_647),
});
