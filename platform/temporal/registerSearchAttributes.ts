import { temporal as proto } from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '#shared/domain/queues.ts';
import type { Temporal } from '#platform/temporal/client.ts';

const TYPES: Record<(typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES], proto.api.enums.v1.IndexedValueType> = {
  KEYWORD: proto.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  DATETIME: proto.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  BOOL: proto.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
};

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
