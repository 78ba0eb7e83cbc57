import { Readable } from 'node:stream';
import yazl from 'yazl';

/** One entry of a zip that is written. */
export interface ZipMember {
  /** Relative, with slashes, as a zip can hold it. */
  name: string;
  type: 'file' | 'folder' | 'symlink';
  executable: boolean;
  modifiedAt: Date;
  /** Bytes of the file, or of a link's target. */
  size: number;
}

const MODES = { file: 0o100_644, folder: 0o040_755, symlink: 0o120_777 };
const EXECUTABLE = 0o111;

/**
 * A zip as a stream: `read` is asked for the bytes of one file or link after the other, in their order, as fast as the
 * zip is taken. A failure breaks the stream; destroying it ends the work.
 */
export function writeZip<Member extends ZipMember>(
  members: readonly Member[],
  read: (member: Member) => Promise<Buffer>,
): Readable {
  const zip = new yazl.ZipFile();
  const output = zip.outputStream as Readable;
  zip.on('error', (error: Error) => output.destroy(error));
  for (const member of members) {
    const { name, type, size } = member;
    const mode = MODES[type] | (member.executable ? EXECUTABLE : 0);
    const options = { mtime: member.modifiedAt, mode };
    if (type === 'folder') zip.addEmptyDirectory(name, options);
    else {
      zip.addReadStreamLazy(name, { ...options, size, compress: size > 0 && type === 'file' }, (give) => {
        read(member).then(
          (bytes) => give(null, Readable.from([bytes], { objectMode: false })),
          (error: unknown) => give(error, Readable.from([])),
        );
      });
    }
  }
  zip.end();
  return output;
}
