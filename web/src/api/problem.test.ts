import {
  ApiError,
  asApiError,
  errorFromAnswer,
  fieldMessages,
  furtherParts,
  isAllAboutFields,
  isApiError,
} from './problem.ts';

const problem = {
  type: 'about:blank',
  title: 'The input is not valid',
  status: 422,
  code: 'INVALID_INPUT',
  detail: 'Correct the fields.',
  requestId: 'r-1',
  errors: [
    { path: 'body.username', message: 'is too short' },
    { path: '/body/email', message: 'is not an address' },
    { path: 'username', message: 'a second message' },
  ],
};

describe('errors of the api', () => {
  it('keep code, status, fields and request id of a problem body', () => {
    const error = errorFromAnswer(422, problem);
    expect(error).toMatchObject({ code: 'INVALID_INPUT', status: 422, requestId: 'r-1', message: problem.title });
    expect(isApiError(error, 'INVALID_INPUT')).toBe(true);
    expect(isApiError(error, 'NOT_FOUND')).toBe(false);
  });

  it('become UNREADABLE_ANSWER when the body is not a problem, as from a proxy', () => {
    for (const body of [null, '<html>', [], { code: 5 }, { error: 'x' }]) {
      expect(errorFromAnswer(502, body)).toMatchObject({ code: 'UNREADABLE_ANSWER', status: 502 });
    }
  });

  it('carry the current version of a conflict in data', () => {
    const error = errorFromAnswer(409, { ...problem, code: 'VERSION_CONFLICT', data: { currentVersion: 7 } });
    expect(error.data).toEqual({ currentVersion: 7 });
  });

  it('name each field once, by the last part of its path, as a sentence', () => {
    expect(fieldMessages(errorFromAnswer(422, problem))).toEqual({
      username: 'Is too short',
      email: 'Is not an address',
    });
    expect(fieldMessages(null)).toEqual({});
  });

  it('need no summary only when every field is on the form', () => {
    const error = errorFromAnswer(422, problem);
    expect(isAllAboutFields(error, ['username', 'email', 'password'])).toBe(true);
    expect(isAllAboutFields(error, ['username'])).toBe(false);
    expect(isAllAboutFields(errorFromAnswer(409, { ...problem, errors: [] }), ['username'])).toBe(false);
  });

  it('say nothing twice', () => {
    const errors = [
      { path: 'at', message: 'is in the future' },
      { path: 'other', message: 'is empty' },
      { path: 'third', message: 'is empty' },
    ];
    const detail = 'at is in the future. Correct the fields.';
    expect(furtherParts(errorFromAnswer(422, { ...problem, detail, errors }))).toEqual(['is empty']);
  });

  it('never hide a bug behind a problem', () => {
    const bug = new TypeError('undefined is not a function');
    expect(() => asApiError(bug)).toThrow(bug);
    const known = new ApiError({ code: 'NOT_FOUND', status: 404, title: 't', detail: 'd' });
    expect(asApiError(known)).toBe(known);
  });
});
