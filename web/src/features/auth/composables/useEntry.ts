import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { fieldMessages, isAllAboutFields, type ApiError } from '../../../api/problem.ts';
import { useAction } from '../../../composables/useAction.ts';

const FIELD_OF_CODE: Readonly<Record<string, string>> = {
  USERNAME_TAKEN: 'username',
  EMAIL_TAKEN: 'email',
  PASSWORD_TOO_WEAK: 'password',
  OPERATOR_CODE_REQUIRED: 'operatorCode',
};

/** Where to go after entering: the page that was asked for, if it is one of ours. */
export function nextPage(next: unknown): string {
  return typeof next === 'string' && next.startsWith('/') && !next.startsWith('//') ? next : '/sessions';
}

/** The messages beside the fields, from the problem's fields or from a code that is about one field. */
export function entryFieldMessages(error: ApiError | null): Record<string, string> {
  const messages = fieldMessages(error);
  const field = error ? FIELD_OF_CODE[error.code] : undefined;
  if (error && field !== undefined) messages[field] ??= `${error.message}. ${error.detail}`;
  return messages;
}

/** Login and registration: enters, goes on to the page that was asked for, or says what is wrong and where. */
export function useEntry(enter: () => Promise<void>, fields: readonly string[]) {
  const route = useRoute();
  const router = useRouter();
  const { running, error, run } = useAction(async () => {
    await enter();
    await router.replace(nextPage(route.query['next']));
  });
  const wrong = computed(() => entryFieldMessages(error.value));
  const summary = computed(() => {
    if (!error.value || isAllAboutFields(error.value, fields)) return null;
    return fields.includes(FIELD_OF_CODE[error.value.code] ?? '') ? null : error.value;
  });
  return { running, wrong, summary, submit: run };
}
