/** The content type of a part of an upload, as in the tus protocol. */
export const PART_TYPE = 'application/offset+octet-stream';
/** The content type of a batch of small files: for each a length of four bytes (big-endian), so many bytes of JSON (BatchHeader), and its bytes. */
export const BATCH_TYPE = 'application/x-berth-files';
/** The most bytes of a batch. */
export const MAX_BATCH_BYTES = 8_388_608;
/** The most files and folders of a batch. */
export const MAX_BATCH_FILES = 500;
/** Uploads into one session that may be under way. */
export const MAX_UPLOADS = 100;
/** Entries of an archive that an answer names as refused; more are only counted. */
export const MAX_NAMED_REFUSALS = 500;
