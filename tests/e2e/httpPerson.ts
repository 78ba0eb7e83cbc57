/** What Berth answered; `milliseconds` is how long it took. */
export interface Answer {
  status: number;
  body: unknown;
  milliseconds: number;
}

/** Somebody who uses Berth through its HTTP interface, with a cookie as a browser has it. */
export interface HttpPerson {
  request(method: string, address: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The cookie as a header has it. */
  cookie(): string;
}

/** A person without an account yet. */
export function httpPerson(url: string): HttpPerson {
  let cookie = '';
  return {
    cookie: () => cookie,
    async request(method, address, body, headers = {}) {
      const startedAt = Date.now();
      const answer = await fetch(`${url}${address}`, {
        method,
        headers: {
          origin: url,
          ...(cookie && { cookie }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
          ...(method === 'POST' && { 'idempotency-key': crypto.randomUUID() }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      for (const line of answer.headers.getSetCookie()) cookie = line.split(';')[0] ?? cookie;
      const text = await answer.text();
      const parsed = text === '' ? null : (JSON.parse(text) as unknown);
      return { status: answer.status, body: parsed, milliseconds: Date.now() - startedAt };
    },
  };
}
