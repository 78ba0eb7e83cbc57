import type { temporal as proto } from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '#shared/domain/queues.ts';
import type { Temporal } from '#platform/temporal/client.ts';

type IndexedValueType = proto.api.enums.v1.IndexedValueType;
type Kind = (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES];

// The wire's own numbers: the package is CommonJS whose names Node cannot see, so its enum is taken as a type only.
const TYPES: Record<Kind, IndexedValueType> = { KEYWORD: 2, DATETIME: 6, BOOL: 5 };

/** Registers the search attributes that are missing in the namespace. Idempotent; rejects when the server does not answer. */
export async function registerSearchAttributes(temporal: Temporal, namespace: string): Promise<string[]> {
  const { operatorService } = temporal.connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => customAttributes[name] === undefined);
  if (missing.length === 0) return [];
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, kind]) => [name, TYPES[kind]])),
  });
  return missing.map(([name]) => name);
}
