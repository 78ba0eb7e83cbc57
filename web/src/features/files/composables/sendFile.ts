import type { CompletedUpload, CreateUpload, Upload } from '#shared/contracts/upload.ts';
import { randomKey } from '../../../api/client.ts';
import { isApiError } from '../../../api/problem.ts';
import * as uploads from '../../../api/uploads.ts';
import { withPatience, type Patience } from './patience.ts';
import { readPiece } from './readPiece.ts';

/** Bytes of one request: small enough that a broken connection costs little. */
const PART_BYTES = 2_097_152;

/** A file that is sent part by part. */
export interface SentFile {
  uuid: string;
  file: File;
  wanted: Partial<CreateUpload> & Pick<CreateUpload, 'path'>;
  version?: number;
  /** Told how many bytes have arrived. */
  onSent(bytes: number): void;
}

/**
 * Sends a file, and goes on from what has arrived after every break of the connection. Resolves once the file is made, or
 * the archive is there. What was begun is cancelled when it is aborted or refused; a refused place keeps nothing.
 */
export async function sendFile(sent: SentFile, patience: Patience): Promise<Upload> {
  const { uuid, file, wanted, version } = sent;
  const { signal } = patience;
  const key = randomKey();
  const body = { ...wanted, size: file.size };
  const options = { signal, key, ...(version === undefined ? {} : { version }) };
  const begun = await withPatience(() => uploads.beginUpload(uuid, body, options), patience);
  try {
    return await sendParts(sent, begun, patience);
  } catch (error) {
    // Whatever this answers: what is left over goes by itself after a day.
    void uploads.cancelUpload(uuid, begun.id).catch(() => undefined);
    throw error;
  }
}

async function sendParts({ uuid, file, onSent }: SentFile, begun: Upload, patience: Patience): Promise<Upload> {
  const { signal } = patience;
  let { offset } = begun;
  let isKnown = true;
  for (;;) {
    const sendNext = async (): Promise<CompletedUpload | Upload> => {
      // After a break only the other side knows how much has arrived.
      if (!isKnown) ({ offset } = await uploads.loadUpload(uuid, begun.id, signal));
      isKnown = false;
      const data = await readPiece(file.slice(offset, offset + PART_BYTES));
      const answer = await uploads.sendPart(uuid, { id: begun.id, offset, data }, signal).catch(offsetOf(begun));
      isKnown = true;
      return answer;
    };
    const answer = await withPatience(sendNext, patience);
    ({ offset } = answer);
    onSent(offset);
    if (answer.completedAt !== null || (offset === file.size && answer.purpose === 'archive')) return answer;
  }
}

/** A part that was sent twice is answered with where to go on. */
function offsetOf(begun: Upload): (error: unknown) => Upload {
  return (error) => {
    if (!isApiError(error, 'UPLOAD_OFFSET') || typeof error.data['offset'] !== 'number') throw error;
    return { ...begun, offset: error.data['offset'] };
  };
}
