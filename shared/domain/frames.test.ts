import fc from 'fast-check';
import {
  encodeFrame,
  encodeJson,
  FRAME_HEADER_BYTES,
  FRAME_TYPES,
  FrameDecoder,
  MAX_FRAME_PAYLOAD_BYTES,
  ProtocolError,
  type Frame,
  type FrameType,
} from '#shared/domain/frames.ts';

const frame = fc.record<Frame>({
  type: fc.constantFrom(...(Object.keys(FRAME_TYPES) as FrameType[])),
  channel: fc.integer({ min: 0, max: 0xffff_ffff }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function joined(frames: Frame[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((one) => [...encodeFrame(one)]));
}

function plain(frames: Frame[]): object[] {
  return frames.map(({ type, channel, payload }) => ({ type, channel, payload: [...payload] }));
}

describe('frames', () => {
  it('come out as they went in, wherever the stream is split', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(4_000)), (frames, cuts) => {
        const bytes = joined(frames);
        const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
        const decoder = new FrameDecoder();
        const decoded: Frame[] = [];
        let start = 0;
        for (const end of ends) {
          decoded.push(...decoder.push(bytes.slice(start, end)));
          start = end;
        }
        expect(plain(decoded)).toEqual(plain(frames));
        expect(decoder.pendingBytes).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('come out when every byte arrives alone', () => {
    const frames: Frame[] = [
      { type: 'open', channel: 1, payload: Uint8Array.of(1, 2, 3) },
      { type: 'end', channel: 1, payload: new Uint8Array(0) },
    ];
    const decoder = new FrameDecoder();
    const decoded = [...joined(frames)].flatMap((byte) => decoder.push(Uint8Array.of(byte)));
    expect(plain(decoded)).toEqual(plain(frames));
  });

  it('cost a receiver no more than their length when the longest comes in single bytes', () => {
    const payload = Uint8Array.from({ length: MAX_FRAME_PAYLOAD_BYTES }, (_, index) => index % 251);
    const bytes = encodeFrame({ type: 'data', channel: 3, payload });
    const decoder = new FrameDecoder();
    const started = performance.now();
    const decoded: Frame[] = [];
    for (let at = 0; at < bytes.length; at += 1) decoded.push(...decoder.push(bytes.subarray(at, at + 1)));
    // Copied anew for every byte they take ten seconds.
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(Buffer.compare(decoded[0]!.payload, payload)).toBe(0);
  });

  it('may carry exactly 256 KiB', () => {
    const payload = new Uint8Array(MAX_FRAME_PAYLOAD_BYTES).fill(7);
    const [decoded] = new FrameDecoder().push(encodeFrame({ type: 'data', channel: 3, payload }));
    expect(decoded?.payload.byteLength).toBe(256 * 1024);
  });

  it('are refused beyond 256 KiB by the sender', () => {
    const payload = new Uint8Array(MAX_FRAME_PAYLOAD_BYTES + 1);
    expect(() => encodeFrame({ type: 'data', channel: 1, payload })).toThrow(ProtocolError);
  });

  it('are refused by the receiver at the header, before any of the payload is there', () => {
    fc.assert(
      fc.property(fc.integer({ min: MAX_FRAME_PAYLOAD_BYTES + 1, max: 0xffff_ffff }), (length) => {
        const header = new Uint8Array(FRAME_HEADER_BYTES);
        new DataView(header.buffer).setUint32(0, length);
        header[4] = FRAME_TYPES.data;
        expect(() => new FrameDecoder().push(header)).toThrow('too long');
      }),
    );
  });

  it('keep their bytes whatever is encoded after them', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4_000 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
        const frames = texts.map((value) => encodeFrame({ type: 'message', channel: 1, payload: encodeJson(value) }));
        const decoded = frames.flatMap((bytes) => new FrameDecoder().push(bytes));
        expect(decoded.map(({ payload }): unknown => JSON.parse(new TextDecoder().decode(payload)))).toEqual(texts);
      }),
    );
  });

  it('of an unknown type are refused', () => {
    const header = new Uint8Array(FRAME_HEADER_BYTES);
    header[4] = 99;
    expect(() => new FrameDecoder().push(header)).toThrow('unknown type 99');
  });

  it('never make the decoder throw anything but a ProtocolError, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (chunks) => {
        const decoder = new FrameDecoder();
        try {
          for (const chunk of chunks) decoder.push(chunk);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});
