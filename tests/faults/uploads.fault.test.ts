import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { PART_TYPE } from '#shared/domain/uploads.ts';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MIB = 1_048_576;
let stack: Stack;
let person: HttpPerson;
beforeAll(async () => {
  stack = await startStack();
  person = httpPerson(stack.url);
  const body = { username: 'alice', email: 'alice@example.org', password: 'violet anchor over nine harbours' };
  expect((await person.request('POST', '/api/v1/auth/register', body)).status).toBe(201);
});
afterAll(() => stack.stop());

describe('an upload whose api is killed in the middle', () => {
  it('goes on from what had come, and the file is whole', async () => {
    const session = (await person.request('POST', '/api/v1/sessions', { name: 'fractals' })).body as { uuid: string };
    const uploads = `/api/v1/sessions/${session.uuid}/uploads`;
    const bytes = randomBytes(4 * MIB);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const begun = await person.request('POST', uploads, { path: 'a/big.bin', size: bytes.length, sha256 });
    const { id } = begun.body as { id: string };
    const address = `${uploads}/${id}`;
    const offsetNow = async (): Promise<number> => {
      const [row] = await stack.database.query<{ received: number }>(
        `SELECT received::integer AS received FROM uploads WHERE id = $1`,
        [id],
      );
      return row?.received ?? 0;
    };
    const headers = { cookie: person.cookie(), origin: stack.url, 'content-type': PART_TYPE };
    const sending = request(`${stack.url}${address}`, {
      method: 'PATCH',
      headers: { ...headers, 'upload-offset': '0', 'content-length': String(bytes.length) },
    });
    // It is cut off by the kill.
    sending.on('error', () => undefined);
    sending.write(bytes.subarray(0, 3 * MIB));
    await waitFor(async () => (await offsetNow()) >= MIB, { what: 'the first part' });
    await stack.api.kill();
    stack.api.start();
    await stack.ready();
    const { offset } = (await person.request('GET', address)).body as { offset: number };
    expect(offset).toBeGreaterThanOrEqual(MIB);
    expect(offset).toBeLessThan(bytes.length);
    const rest = await fetch(`${stack.url}${address}`, {
      method: 'PATCH',
      headers: { ...headers, 'upload-offset': String(offset) },
      body: bytes.subarray(offset),
    });
    const answer = (await rest.json()) as { item: { path: string; sha256: string } };
    expect([rest.status, answer.item]).toMatchObject([200, { path: 'a/big.bin', sha256 }]);
  });
});
