import { z } from 'zod';
import { ItemId } from '#shared/contracts/item.ts';

const number = z.coerce.number();

/** A file or folder of a session in an address. */
export const ItemParams = z.strictObject({ uuid: z.uuid(), itemId: number.pipe(ItemId) });

/** A version of a file in an address. */
export const VersionParams = z.strictObject({
  uuid: z.uuid(),
  itemId: number.pipe(ItemId),
  versionId: number.pipe(z.int().positive()),
});
