import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view';
import { styleNonce } from '../styleNonce.ts';
import { editorTheme } from './editorTheme.ts';

/** What every view of code has. */
const shared: Extension = [
  lineNumbers(),
  highlightSpecialChars(),
  drawSelection(),
  bracketMatching(),
  highlightSelectionMatches(),
  editorTheme,
  EditorView.lineWrapping,
  EditorView.cspNonce.of(styleNonce),
];

/** A view in which code is read: it can be walked through and searched with the keyboard, and not changed. */
export function readingExtensions(label: string): Extension {
  return [
    shared,
    EditorState.readOnly.of(true),
    // Not contenteditable, or a screen reader announces an editor; the tab stop keeps the keyboard working.
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
    keymap.of([...searchKeymap, ...defaultKeymap]),
  ];
}

/** An editor. Escape, then Tab leaves it; Tab alone indents. */
export function writingExtensions(label: string): Extension {
  return [
    shared,
    highlightActiveLine(),
    highlightActiveLineGutter(),
    history(),
    foldGutter(),
    dropCursor(),
    rectangularSelection(),
    indentOnInput(),
    indentUnit.of('    '),
    closeBrackets(),
    autocompletion(),
    EditorView.contentAttributes.of({ 'aria-label': label }),
    keymap.of([
      ...closeBracketsKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...defaultKeymap,
      indentWithTab,
    ]),
  ];
}

/** Holds the language of a state, which arrives after the text. */
export const languageSlot = new Compartment();

/** A state without text, for a view that is given its document next. The nonce counts from the first style sheet on. */
export function emptyState(): EditorState {
  return EditorState.create({ extensions: EditorView.cspNonce.of(styleNonce) });
}
