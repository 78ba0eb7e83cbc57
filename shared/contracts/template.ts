import { z } from 'zod';
import { Timestamp } from '#shared/contracts/user.ts';

const Name = z.string().trim().min(1).max(200);
const Description = z.string().trim().max(2_000);

/** A template: files that a session can begin with, as they were when it was saved. */
export const Template = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  language: z.string(),
  items: z.int(),
  bytes: z.int(),
  /** Everybody sees it. */
  isPublished: z.boolean(),
  /** It is the caller's own. */
  isOwn: z.boolean(),
  owner: z.string(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type Template = z.infer<typeof Template>;

/** The templates that a person can start from. */
export const TemplateList = z.object({ items: z.array(Template) });
export type TemplateList = z.infer<typeof TemplateList>;

/** Body of a new template: what is saved of the session now. */
export const CreateTemplate = z.strictObject({ session: z.uuid(), name: Name, description: Description.default('') });
export type CreateTemplate = z.infer<typeof CreateTemplate>;

/** Body of a change of a template. Its files never change. */
export const UpdateTemplate = z
  .strictObject({ name: Name.optional(), description: Description.optional(), isPublished: z.boolean().optional() })
  .refine((change) => Object.keys(change).length > 0, {
    message: 'name at least one of name, description, isPublished',
  });
export type UpdateTemplate = z.infer<typeof UpdateTemplate>;
