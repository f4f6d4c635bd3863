/** A file as pieces: its lines with their ends, byte for byte. Nothing is decoded, so any file will do. */
import { createReadStream } from 'node:fs';

/** A longer line goes in several pieces, so that each passes between two cuts. */
export const PIECE_BYTES_MAX = 8_192;

const NEWLINE = 10;

/** One piece, and whether a line ends with it. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly endsLine: boolean;
}

/** The pieces of a file, in order; joined they are the file. The last line need not end with a newline. */
export async function* piecesOf(path: string): AsyncGenerator<Piece> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = endOfPiece(rest, start); end > 0; end = endOfPiece(rest, start)) {
      yield { bytes: rest.subarray(start, end), endsLine: rest[end - 1] === NEWLINE };
      start = end;
    }
    rest = rest.subarray(start);
  }
  if (rest.length > 0) yield { bytes: rest, endsLine: true };
}

/** Where the piece that begins at `start` ends; 0 while its end has not been read. */
function endOfPiece(bytes: Buffer, start: number): number {
  const newline = bytes.indexOf(NEWLINE, start);
  const end = newline < 0 ? Infinity : newline + 1;
  if (end - start <= PIECE_BYTES_MAX) return end;
  return bytes.length - start > PIECE_BYTES_MAX ? start + PIECE_BYTES_MAX : 0;
}
