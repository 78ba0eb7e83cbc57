import { errorFromAnswer } from '../../../api/problem.ts';
import { entryFieldMessages, nextPage } from './useEntry.ts';

const problem = (code: string, errors: { path: string; message: string }[] = []) =>
  errorFromAnswer(422, { code, title: 'Title', detail: 'Do this.', status: 422, errors });

describe('after entering', () => {
  it('the page that was asked for follows, but never another site', () => {
    expect(nextPage('/reviews/4?tab=history')).toBe('/reviews/4?tab=history');
    for (const hostile of ['//evil.example', 'https://evil.example', undefined, ['/x'], '']) {
      expect(nextPage(hostile)).toBe('/sessions');
    }
  });
});

describe('a refused entry', () => {
  it('is shown beside the field that its code is about', () => {
    expect(entryFieldMessages(problem('USERNAME_TAKEN'))).toEqual({ username: 'Title. Do this.' });
    expect(entryFieldMessages(problem('OPERATOR_CODE_REQUIRED'))).toHaveProperty('operatorCode');
  });
  it('keeps the message of the field when the problem has one', () => {
    const error = problem('PASSWORD_TOO_WEAK', [{ path: 'body.password', message: 'is a common password' }]);
    expect(entryFieldMessages(error)).toEqual({ password: 'Is a common password' });
  });
  it('about no field has no field messages', () => {
    expect(entryFieldMessages(problem('BAD_CREDENTIALS'))).toEqual({});
    expect(entryFieldMessages(null)).toEqual({});
  });
});
