import { z } from 'zod';

/** A moment as ISO 8601 with zone. */
export const Timestamp = z.iso.datetime({ offset: true });

/** What a person may see of their own account. */
export const Account = z.object({
  id: z.int(),
  username: z.string(),
  email: z.string(),
  isReviewer: z.boolean(),
  reviewerLevel: z.int().min(0).max(4),
  isOperator: z.boolean(),
  /** Until then they are asked for no review; null when they are there. */
  awayUntil: Timestamp.nullable(),
  /** Whether they are told only of what waits for them. */
  notifyOnlyMyTurn: z.boolean(),
  createdAt: Timestamp,
});
export type Account = z.infer<typeof Account>;

/** What anybody signed in may see of a person. */
export const Person = z.object({
  id: z.int(),
  username: z.string(),
  reviewerLevel: z.int().min(0).max(4),
  /** While they are away, until when. */
  awayUntil: Timestamp.nullable(),
});
export type Person = z.infer<typeof Person>;

/** Body of a change of one's own settings; what is left out stays. `awayUntil` null: back again. */
export const UpdateAccount = z
  .strictObject({
    awayUntil: Timestamp.nullable().optional(),
    notifyOnlyMyTurn: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'say what changes');
export type UpdateAccount = z.infer<typeof UpdateAccount>;

/** Body of a registration. The password's strength is checked by the server. */
export const Register = z.strictObject({
  username: z.string().trim().min(2, 'use at least 2 characters').max(40, 'use at most 40 characters'),
  email: z.email('enter an e-mail address, such as ada@example.org').max(200, 'use at most 200 characters'),
  password: z.string().min(8, 'use at least 8 characters').max(1024, 'use at most 1,024 characters'),
  operatorCode: z.string().max(100).optional(),
});
export type Register = z.infer<typeof Register>;

/** Body of a login; `username` may also be the e-mail address. */
export const Login = z.strictObject({
  username: z.string().min(1, 'enter your user name').max(200),
  password: z.string().min(1, 'enter your password').max(1024),
});
export type Login = z.infer<typeof Login>;

/** Body of a grant of a reviewer level. */
export const SetReviewerLevel = z.strictObject({ reviewerLevel: z.int().min(0).max(4) });
export type SetReviewerLevel = z.infer<typeof SetReviewerLevel>;

/** What a token may do. `read` covers every GET; the others one area each. */
export const TOKEN_SCOPES = ['read', 'sessions', 'files', 'reviews'] as const;
/** A scope of a token. */
export const TokenScope = z.enum(TOKEN_SCOPES);
export type TokenScope = z.infer<typeof TokenScope>;

/** Body of a new token. */
export const CreateToken = z.strictObject({
  name: z.string().trim().min(1).max(100),
  scopes: z.array(TokenScope).min(1).max(4),
  expiresInDays: z.int().min(1).max(365).default(30),
});
export type CreateToken = z.infer<typeof CreateToken>;

/** A token as listed: never the secret. */
export const Token = z.object({
  id: z.int(),
  name: z.string(),
  scopes: z.array(TokenScope),
  expiresAt: Timestamp,
  lastUsedAt: Timestamp.nullable(),
  createdAt: Timestamp,
});
export type Token = z.infer<typeof Token>;

/** The answer to a new token: `secret` is shown this once. */
export const CreatedToken = Token.extend({ secret: z.string() });
export type CreatedToken = z.infer<typeof CreatedToken>;
