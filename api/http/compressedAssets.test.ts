import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import express from 'express';
import { sendCompressedAssets } from '#api/http/compressedAssets.ts';

const folder = mkdtempSync(`${tmpdir()}/berth-assets-`);
writeFileSync(`${folder}/page-a1.js`, 'plain');
writeFileSync(`${folder}/page-a1.js.gz`, gzipSync('compressed'));
writeFileSync(`${folder}/page-a1.js.br`, brotliCompressSync('smallest'));
writeFileSync(`${folder}/lonely.js`, 'plain');
const server = createServer(express().use(sendCompressedAssets(folder)).use(express.static(folder)));

async function load(path: string, encoding: string): Promise<{ answer: IncomingMessage; bytes: Buffer }> {
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers: { 'accept-encoding': encoding } }, resolve).on('error', reject);
  });
  return { answer, bytes: await buffer(answer) };
}

beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

describe('a script of the page', () => {
  it('is sent compressed to a browser that takes it, as the script that it is', async () => {
    const { answer, bytes } = await load('/page-a1.js', 'gzip, deflate');
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(answer.headers['content-type']).toMatch(/javascript/);
    expect(answer.headers['cache-control']).toContain('immutable');
    expect(gunzipSync(bytes).toString()).toBe('compressed');
  });

  it('is sent as the smallest copy to a browser that takes several, whichever it names first', async () => {
    for (const encodings of ['gzip, deflate, br, zstd', 'br, gzip']) {
      const { answer, bytes } = await load('/page-a1.js', encodings);
      expect(answer.headers['content-encoding']).toBe('br');
      expect(brotliDecompressSync(bytes).toString()).toBe('smallest');
    }
    expect((await load('/page-a1.js', 'gzip, br;q=0')).answer.headers['content-encoding']).toBe('gzip');
  });

  it('is sent plain to others, and told apart by caches', async () => {
    const { answer, bytes } = await load('/page-a1.js', 'identity');
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.headers.vary).toContain('Accept-Encoding');
    expect(bytes.toString()).toBe('plain');
  });

  it('without a compressed copy is sent plain', async () => {
    expect((await load('/lonely.js', 'gzip')).bytes.toString()).toBe('plain');
  });

  it('outside of the folder is not found', async () => {
    for (const path of ['/..%2fsecret.js', '/%2e%2e/secret.js']) {
      expect((await load(path, 'gzip')).answer.statusCode).toBeGreaterThanOrEqual(400);
    }
  });
});
