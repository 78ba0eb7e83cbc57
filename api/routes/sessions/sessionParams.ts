import { z } from 'zod';

/** The session in an address. */
export const SessionParams = z.strictObject({ uuid: z.uuid() });

/** A recording of a session in an address. */
export const RecordingParams = z.strictObject({ uuid: z.uuid(), recordingId: z.uuid() });

/** A terminal of a session in an address. */
export const TerminalParams = z.strictObject({
  uuid: z.uuid(),
  terminalId: z.string().regex(/^[\w-]{1,64}$/, 'is not the id of a terminal'),
});
