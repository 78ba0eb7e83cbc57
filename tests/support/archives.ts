import { crc32, deflateRawSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';

const STORED = 0;
const DEFLATED = 8;
const BY_UNIX = 3 << 8;

/** An entry of a zip that is made by hand: everything may be a lie. */
export interface ZipPart {
  name: string | Buffer;
  bytes?: Buffer;
  /** With the bits of its kind; 0 for a zip that says nothing of modes. */
  mode?: number;
  stored?: boolean;
  /** Instead of the true ones. */
  size?: number;
  crc?: number;
  flags?: number;
  method?: number;
  /** Shares the bytes of the entry with that number. */
  bytesOf?: number;
}

/** A zip of these entries, in which every field is as the test wants it. */
export function rawZip(parts: ZipPart[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  const offsets: number[] = [];
  let position = 0;
  for (const part of parts) {
    const name = Buffer.from(part.name);
    const bytes = part.bytes ?? Buffer.alloc(0);
    const packed = part.stored === true ? bytes : deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(part.flags ?? 0, 2);
    fields.writeUInt16LE(part.method ?? (part.stored === true ? STORED : DEFLATED), 4);
    fields.writeUInt32LE(part.crc ?? crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(part.size ?? bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    if (part.bytesOf === undefined) {
      offsets.push(position);
      const written = [signature(0x04034b50), fields, name, packed];
      local.push(...written);
      for (const one of written) position += one.length;
    } else offsets.push(offsets[part.bytesOf]!);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(((part.mode ?? 0) << 16) >>> 0, 6);
    end.writeUInt32LE(offsets.at(-1)!, 10);
    const madeBy = Buffer.alloc(2);
    madeBy.writeUInt16LE(part.mode === undefined ? 0 : BY_UNIX);
    central.push(signature(0x02014b50), madeBy, fields, end, name);
  }
  const directory = Buffer.concat(central);
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(parts.length, 4);
  tail.writeUInt16LE(parts.length, 6);
  tail.writeUInt32LE(directory.length, 8);
  tail.writeUInt32LE(position, 12);
  return Buffer.concat([...local, directory, signature(0x06054b50), tail]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** An entry of a tar: its header, and its bytes where it has some. */
export type TarPart = Partial<Header> & Pick<Header, 'name'> & { bytes?: Buffer };

/** A tar of these entries. */
export async function tarOf(parts: TarPart[]): Promise<Buffer> {
  const packed = pack();
  for (const { bytes, ...header } of parts) {
    if (bytes === undefined) packed.entry(header);
    else packed.entry(header, bytes);
  }
  packed.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packed) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The tar with one text of its first header replaced by bytes of the same length, and a checksum that fits. */
export function patchTar(tar: Buffer, text: string, bytes: Buffer): Buffer {
  const patched = Buffer.from(tar);
  bytes.copy(patched, patched.indexOf(text));
  patched.fill(' ', 148, 156);
  const sum = patched.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  patched.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return patched;
}
