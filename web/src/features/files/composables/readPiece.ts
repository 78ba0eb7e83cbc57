import { ApiError } from '../../../api/problem.ts';

/**
 * Reads a piece of a file that a person gave. Throws UNREADABLE_FILE once that file was changed, moved or removed on their
 * disk: sent unread, it would end the request as a lost connection does, again and again.
 */
export async function readPiece(piece: Blob): Promise<Blob> {
  try {
    return new Blob([await piece.arrayBuffer()]);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new ApiError({
      code: 'UNREADABLE_FILE',
      status: 422,
      title: 'The file cannot be read any more',
      detail: 'It was changed, moved or removed on your disk. Choose it again.',
    });
  }
}
