import { config } from 'zod/v4/core';

/*
 * Must be imported before any contract: a schema tries out, as it is made, whether it may compile itself with eval,
 * which the content security policy refuses and reports.
 */
config({ jitless: true });
