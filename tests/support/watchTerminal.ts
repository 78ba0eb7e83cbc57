import { joinTerminal, type TerminalPlace } from '#tests/support/terminalClient.ts';

/*
 * A client of a terminal in a process of its own, to be stopped: joins the terminal that TERMINAL_PLACE names as JSON,
 * acknowledges what it takes, and says so once it is there.
 */

await joinTerminal(JSON.parse(process.env['TERMINAL_PLACE'] ?? '{}') as TerminalPlace);
process.stdout.write('joined\n');
