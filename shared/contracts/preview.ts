import { z } from 'zod';

/** The longest that a share link of a preview is good for. */
export const MAX_LINK_SECONDS = 7 * 24 * 60 * 60;

/** A port number in an address. */
export const PreviewPort = z.int().min(1).max(65_535);

/** A port that a program of the session listens on now. */
export const Port = z.object({ port: PreviewPort, program: z.string().nullable() });
export type Port = z.infer<typeof Port>;

/** Body of a request for a look at a port. `path` is where it begins, with its query. */
export const OpenPreview = z.strictObject({
  port: PreviewPort,
  path: z
    .string()
    .max(2_000)
    .regex(/^\/(?![/\\])[\x21-\x7e]*$/, 'must begin with one slash')
    .default('/'),
});
export type OpenPreview = z.infer<typeof OpenPreview>;

/** An address that lets its first visitor in, once and within a minute. */
export const PreviewAddress = z.object({ address: z.url() });
export type PreviewAddress = z.infer<typeof PreviewAddress>;

/** Body of a new share link. */
export const CreatePreviewLink = z.strictObject({ expiresInSeconds: z.int().min(60).max(MAX_LINK_SECONDS) });
export type CreatePreviewLink = z.infer<typeof CreatePreviewLink>;

/** A share link: whoever has its address sees the port until it expires or is revoked. */
export const PreviewLink = z.object({
  id: z.uuid(),
  port: PreviewPort,
  /** Null once it is no good any more, and while previews are off. */
  address: z.url().nullable(),
  createdAt: z.string(),
  expiresAt: z.string(),
  revokedAt: z.string().nullable(),
  uses: z.int(),
  lastUsedAt: z.string().nullable(),
});
export type PreviewLink = z.infer<typeof PreviewLink>;
