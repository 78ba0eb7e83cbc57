import type { Locator, Page } from 'playwright-core';
import { waitFor } from '#tests/support/waitFor.ts';

/** What a person does in a workspace, by the roles and names that the page gives its parts. */
export interface WorkspacePage {
  /** Types a line into the terminal that is shown. */
  type(line: string): Promise<void>;
  /** Ctrl-C in the terminal. */
  interrupt(): Promise<void>;
  /** Resolves with the text of the terminal once it matches. */
  seesInTerminal(pattern: RegExp, deadlineMs?: number): Promise<string>;
  /** The lines that the terminal shows now. */
  lines(): Promise<string[]>;
  /** Every line of the terminal's scrollback that the pattern finds, oldest first. */
  scrollback(pattern: RegExp): Promise<string[]>;
  /** Resolves once the state beside the session's name is this word. */
  seesState(word: string, deadlineMs?: number): Promise<void>;
  treeItem(name: string): Locator;
  createFolder(name: string): Promise<void>;
  createFileIn(folder: string, name: string): Promise<void>;
  openFile(name: string): Promise<void>;
  /** Replaces the text in the editor by another and saves it by its key. Resolves when the page says that it is saved. */
  writeAndSave(text: string): Promise<void>;
  editorText(): Promise<string>;
  open(): Promise<void>;
  close(): Promise<void>;
}

/** The workspace that the page shows. */
export function workspacePage(page: Page): WorkspacePage {
  const files = page.getByRole('region', { name: 'Files' });
  const editor = page.getByRole('region', { name: 'Editor' });
  const terminals = page.getByRole('region', { name: 'Terminals' });
  const dialog = page.getByRole('dialog');
  const keyboardOfTerminal = terminals.getByRole('textbox', { name: /^Terminal / }).filter({ visible: true });
  const treeItem = (name: string): Locator => files.getByRole('treeitem', { name, exact: true });

  const rows = terminals.locator('.xterm-rows').filter({ visible: true });

  async function screenLines(): Promise<string[]> {
    return (await rows.locator('> div').allInnerTexts()).map((line) => line.replaceAll('\u00a0', ' ').trimEnd());
  }

  async function giveName(name: string): Promise<void> {
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  return {
    async type(line) {
      await keyboardOfTerminal.focus();
      await page.keyboard.type(line);
      await page.keyboard.press('Enter');
    },
    async interrupt() {
      await keyboardOfTerminal.focus();
      await page.keyboard.press('Control+c');
    },
    async seesInTerminal(pattern, deadlineMs = 15_000) {
      let text = '';
      await waitFor(
        async () => {
          text = (await screenLines()).join('\n');
          return pattern.test(text);
        },
        { deadlineMs, what: `${String(pattern)} in the terminal` },
      ).catch((error: unknown) => {
        throw new Error(`the terminal shows:\n${text}`, { cause: error });
      });
      return text;
    },
    lines: screenLines,
    async scrollback(pattern) {
      const found = new Set<string>();
      let top = '';
      await keyboardOfTerminal.focus();
      for (;;) {
        const lines = await screenLines();
        const earlier = lines.filter((line) => pattern.test(line) && !found.has(line));
        const kept = [...found];
        found.clear();
        for (const line of [...earlier, ...kept]) found.add(line);
        if (lines.join() === top) break;
        top = lines.join();
        await page.keyboard.press('Shift+PageUp');
        await rows.evaluate(
          (element) => new Promise((drawn) => element.ownerDocument.defaultView?.requestAnimationFrame(drawn)),
        );
      }
      await page.keyboard.press('End');
      return [...found];
    },
    async seesState(word, deadlineMs = 15_000) {
      // The whole word: `Could not open` is not `Open`.
      const whole = new RegExp(`^\\s*${word}\\s*$`);
      await page.locator('header.head .chip').filter({ hasText: whole }).waitFor({ timeout: deadlineMs });
    },
    treeItem,
    async createFolder(name) {
      await files.getByRole('button', { name: 'New folder' }).click();
      await giveName(name);
      await treeItem(name).waitFor();
    },
    async createFileIn(folder, name) {
      await files.getByRole('button', { name: `More for ${folder}`, exact: true }).click();
      await page.getByRole('menuitem', { name: 'New file…' }).click();
      await giveName(name);
      await editor.getByRole('tab', { name, selected: true }).waitFor();
    },
    async openFile(name) {
      await treeItem(name).click();
      await editor.getByRole('tab', { name, selected: true }).waitFor();
      await editor.locator('.cm-content').waitFor();
    },
    async writeAndSave(text) {
      const state = editor.getByRole('status');
      await editor.locator('.cm-content').click();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.insertText(text);
      // The word that stood there before must not pass for that of this save.
      await state.getByText('Not saved yet', { exact: true }).waitFor();
      await page.keyboard.press('ControlOrMeta+s');
      await state.getByText('Saved', { exact: true }).waitFor({ timeout: 10_000 });
    },
    editorText: async () => (await editor.locator('.cm-line').allInnerTexts()).join('\n'),
    async open() {
      await page.locator('header.head').getByRole('button', { name: 'Open', exact: true }).click();
    },
    async close() {
      await page.locator('header.head').getByRole('button', { name: 'Close', exact: true }).click();
      await dialog.getByRole('button', { name: 'Save and close' }).click();
      await dialog.waitFor({ state: 'hidden' });
    },
  };
}
