/** A file that somebody brings, or an empty folder (`file` null), by its path below where it is dropped. */
export interface Arriving {
  path: string;
  file: File | null;
  /** Their machine does not let the browser read it, or it was gone before it was read. */
  unreadable?: boolean;
}

/** Reads what was dropped, folders with all that is in them. To be called within the event: its data are gone afterwards. */
export async function readDropped(transfer: DataTransfer): Promise<Arriving[]> {
  const files = [...transfer.items].filter((item) => item.kind === 'file');
  // All of them before the first wait.
  const entries = files.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: Arriving[] = [];
  for (const { entry, file } of entries) {
    if (entry) found.push(...(await readEntry(entry, entry.name)));
    else if (file) found.push({ path: file.name, file });
  }
  return found;
}

/** The files of a picker; those of a picked folder keep their place in it. */
export function readPicked(files: Iterable<File>): Arriving[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function readEntry(entry: FileSystemEntry, path: string): Promise<Arriving[]> {
  try {
    if (isFile(entry)) {
      return [{ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) }];
    }
    return isFolder(entry) ? await readInside(entry, path) : [];
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return [{ path, file: null, unreadable: true }];
  }
}

async function readInside(folder: FileSystemDirectoryEntry, path: string): Promise<Arriving[]> {
  const inside = await readFolder(folder.createReader());
  if (inside.length === 0) return [{ path, file: null }];
  const found: Arriving[] = [];
  for (const child of inside) found.push(...(await readEntry(child, `${path}/${child.name}`)));
  return found;
}

/** A reader gives a hundred entries at a time, and none when it has come to its end. */
async function readFolder(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...some);
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
