import type { Item, ItemVersion, ItemVersionWithContent, ItemWithContent } from '#shared/contracts/item.ts';
import type { VersionRecord } from '#platform/db/repositories/fileVersions.ts';
import type { ItemRecord } from '#platform/db/repositories/items.ts';

/** A file or folder without its content. */
export function presentItem(item: ItemRecord): Item {
  return {
    id: item.id,
    parentId: item.parentId,
    name: item.name,
    path: item.path,
    type: item.type,
    encoding: item.encoding,
    executable: item.executable,
    version: item.version,
    sha256: item.sha256,
    size: item.size,
    updatedAt: item.updatedAt.toISOString(),
  };
}

/** A file with its content. */
export function presentFile(file: ItemRecord & { content: string }): ItemWithContent {
  return { ...presentItem(file), content: file.content };
}

/** A version without its content. */
export function presentVersion(version: VersionRecord): ItemVersion {
  return {
    id: version.id,
    version: version.version,
    path: version.path,
    sha256: version.sha256,
    size: version.size,
    source: version.source,
    createdBy: version.createdBy,
    createdAt: version.createdAt.toISOString(),
  };
}

/** A version with its content. */
export function presentVersionContent(version: VersionRecord & { content: string }): ItemVersionWithContent {
  return { ...presentVersion(version), encoding: version.encoding, content: version.content };
}
