/** Somebody who uses Berth through its HTTP interface, with a cookie as a browser has it. */
export interface HttpPerson {
  request(method: string, address: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

/** A person without an account yet. */
export function httpPerson(url: string): HttpPerson {
  let cookie = '';
  return {
    async request(method, address, body) {
      const answer = await fetch(`${url}${address}`, {
        method,
        headers: {
          origin: url,
          ...(cookie && { cookie }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(method === 'POST' && { 'idempotency-key': crypto.randomUUID() }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      for (const line of answer.headers.getSetCookie()) cookie = line.split(';')[0] ?? cookie;
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
    },
  };
}
